/** [E4] [E7] [E16] What a server or a member that keeps no rules can do to running clients. On an engine without cryptography. */
import { beforeEach, describe, expect, it } from "vitest";
import type { CryptoPort } from "../../../src/client/crypto/port.ts";
import type { DeviceRef } from "../../../src/protocol/ids.ts";
import { plainCrypto } from "../../support/plain-crypto.ts";
import { alicePhone, bobPhone, type Client, strangerId, World } from "./support/world.ts";

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

describe("[E2] [E9] a commit that a device does not take", () => {
  const until = (holds: () => Promise<boolean>, what: string) => world.environment.until(holds, what);

  it.each(["wrong_device", "unknown_leaf", "untrusted_leaf", "epoch_passed"] as const)(
    "for %s: the device comes in again by itself",
    async (failure) => {
      let isRefused = false;
      world.newCrypto = () => {
        const crypto = plainCrypto();
        const acceptCommit: CryptoPort["acceptCommit"] = async (group, options) => {
          if (isRefused) return await crypto.acceptCommit(group, options);
          isRefused = true;
          return { failure };
        };
        return { ...crypto, acceptCommit };
      };
      const dora = await world.register("+14155550004", "Dora");
      const chat = await alice.app.startChat("+14155550004");
      await until(async () => (await dora.app.conversations()).length === 1, "Dora is in");
      const log = world.server.log(chat);
      const roster_change = { add: [], remove: [] };
      const commit = { message_id: strangerId(), base_seq: 0, silent: true, envelope: "", roster_change };
      log.forge(alice.device, commit, 0);
      world.server.deliver(log, log.head);
      await until(async () => (await dora.app.diagnostics())[failure] === 1, "Dora refuses it");
      await until(async () => (await dora.app.conversation(chat))?.security === "ok", "Dora is back in");
      expect(log.epoch).toBe(3);
    },
  );

  it("[E15] nor can anybody come in by what it left behind: a further generation is founded", async () => {
    let isRefused = false;
    world.newCrypto = () => {
      const crypto = plainCrypto();
      const acceptCommit: CryptoPort["acceptCommit"] = async (group, options) => {
        if (isRefused) return await crypto.acceptCommit(group, options);
        isRefused = true;
        return { failure: "commit_unprocessable" };
      };
      return { ...crypto, acceptCommit, joinByGroupInfo: async () => ({ failure: "group_info_invalid" }) };
    };
    const dora = await world.register("+14155550004", "Dora");
    const userIds = [bob.device.user_id];
    const group = await dora.app.createGroup({ name: "Gulls", picture: null, userIds });
    await until(async () => (await bob.app.group(group))?.name === "Gulls", "Bob is in");
    const log = world.server.log(group);
    const roster_change = { add: [], remove: [] };
    const commit = { message_id: strangerId(), base_seq: 0, silent: true, envelope: "", roster_change };
    log.forge(bob.device, commit, 0);
    world.server.deliver(log, log.head);
    await until(async () => log.generation === 2, "founded again");
    await dora.app.send(group, "here again");
    await until(async () => (await world.texts(bob, group)).includes("here again"), "Bob reads it");
  });
});
