/** [E4] [E7] [E16] What a server or a member that keeps no rules can do to running clients. On an engine without cryptography. */
import { beforeEach, describe, expect, it } from "vitest";
import type { DeviceRef } from "../../../src/protocol/ids.ts";
import { alicePhone, bobPhone, type Client, World } from "./support/world.ts";

const carolPhone = "+14155550003";
let world: World;
let alice: Client;
let bob: Client;
let carol: Client;
beforeEach(async () => {
  world = new World();
  alice = await world.register(alicePhone, "Alice");
  bob = await world.register(bobPhone, "Bob");
  carol = await world.register(carolPhone, "Carol");
  return () => world.close();
});

describe("[E4] a server that answers a claim with somebody nobody asked for", () => {
  /** Whatever is claimed, Carol's packages come along. */
  beforeEach(() => {
    const { accounts } = world.server;
    const { answer } = accounts;
    accounts.answer = (method, path, body, ...rest) => {
      const claim = body as { user_ids?: string[] };
      const asked = path === "/key-packages/claim" ? [...(claim.user_ids ?? []), carol.device.user_id] : [];
      return answer.call(
        accounts,
        method,
        path,
        asked.length > 0 ? { ...claim, user_ids: asked } : body,
        ...rest,
      );
    };
  });
  const usersIn = async (chat: string) => {
    const group = await alice.store.get("groups", [chat]);
    return new Set(group?.devices.map((device: DeviceRef) => device.user_id));
  };

  it("brings nobody into a chat of two", async () => {
    const chat = await alice.app.startChat(bobPhone);
    expect(await usersIn(chat)).toEqual(new Set([alice.device.user_id, bob.device.user_id]));
  });

  it("brings nobody into a group, neither at its founding nor later", async () => {
    const group = await alice.app.createGroup({ name: "Gulls", picture: null, userIds: [] });
    await alice.app.addMembers(group, [bob.device.user_id]);
    expect(await usersIn(group)).toEqual(new Set([alice.device.user_id, bob.device.user_id]));
  });
});
