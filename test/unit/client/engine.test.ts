/** The engine behind the port, with real cryptography: what a worker and a crash ask of it. */
import { describe, expect, it } from "vitest";
import { startOf } from "../../../src/client/chain.ts";
import { makeEngine } from "../../../src/client/crypto/engine.ts";
import type { CommitRules } from "../../../src/client/crypto/judge.ts";
import {
  type CryptoPort,
  type HeldGroup,
  type Outcome,
  withRatchet,
} from "../../../src/client/crypto/port.ts";
import { type DeviceRef, directConversationId } from "../../../src/protocol/ids.ts";
import { randomUserId, text, utf8 } from "../mls/support/world.ts";
import { strangerId } from "./support/world.ts";

const nowMs = Date.now();

/** As over postMessage: everything that goes in or comes out is a copy. */
function overTheWire(port: CryptoPort): CryptoPort {
  return new Proxy(port, {
    get: (target, name: keyof CryptoPort) => {
      const method = target[name] as (...values: unknown[]) => Promise<unknown>;
      return async (...values: unknown[]) => structuredClone(await method(...structuredClone(values)));
    },
  });
}

function value<T>(outcome: Outcome<T>): T {
  if (outcome.failure !== null) throw new Error(`expected success, got ${outcome.failure}`);
  return outcome.value;
}

async function pair() {
  const [one, other] = [overTheWire(makeEngine()), overTheWire(makeEngine())];
  const refs: [DeviceRef, DeviceRef] = [
    { user_id: randomUserId(), device_id: 1 },
    { user_id: randomUserId(), device_id: 1 },
  ];
  const [keys, otherKeys] = [await one.makeDeviceKeys(refs[0]), await other.makeDeviceKeys(refs[1])];
  const conversationId = await directConversationId(refs[0].user_id, refs[1].user_id);
  const options = { suite: "x_wing", oneTime: 1, lastResort: false, nowMs } as const;
  const keyPackages = await other.makeKeyPackages(otherKeys, options);
  const { document, hash } = await one.makeState(utf8("{}"));
  const base = { baseSeq: 0, baseHash: startOf(conversationId) };
  const made = value(
    await one.found({
      conversationId,
      generation: 1,
      kind: "direct",
      keys,
      add: keyPackages.map(({ bytes }) => ({ device: refs[1], bytes })),
      document,
      position: { messageId: strangerId(), ...base },
      nowMs,
    }),
  );
  const announced = { conversationId, generation: 1, kind: "direct", epoch: 0, inviter: refs[0] } as const;
  const joining = {
    keys: otherKeys,
    keyPackages,
    ...announced,
    welcome: made.welcome ?? new Uint8Array(),
    tree: made.tree,
    usedWelcomes: [],
    holdsState: false,
  };
  const joined = value(await other.joinByWelcome(joining));
  const write = async (group: HeldGroup, words: string) => {
    const messageId = strangerId();
    const content = utf8(words);
    const sent = value(
      await one.encrypt(group, { content, position: { messageId, ...base }, stateHash: hash }),
    );
    const place = { seq: 2, epoch: group.epoch, messageId, sender: refs[0] };
    return { group: withRatchet(group, sent), bytes: sent.bytes, place };
  };
  return { one, other, refs, made, joined, joining, hash, document, write };
}

describe("the engine", () => {
  it("[E8] a step that was never stored can be taken again, from the bytes that were", async () => {
    const { other, made, joined, hash, write } = await pair();
    const sent = await write(made.next, "twice");
    const options = { bytes: sent.bytes, place: sent.place, stateHash: hash };
    const first = value(await other.open(joined.group, options));
    const again = value(await other.open(joined.group, options));
    expect([text(first.content), text(again.content)]).toEqual(["twice", "twice"]);
    // And once it is stored, it opens no more.
    expect((await other.open(withRatchet(joined.group, again), options)).failure).not.toBeNull();
  });

  it("[E8] another engine goes on from the stored group and its ratchets", async () => {
    const { one, made, joined, hash, write, refs } = await pair();
    const first = await write(made.next, "1");
    const second = await write(first.group, "2");
    const next = overTheWire(makeEngine());
    const stored = { ...joined.group, version: "read from a store" };
    const opened = value(
      await next.open(stored, { bytes: first.bytes, place: first.place, stateHash: hash }),
    );
    const kept = { ...withRatchet(stored, opened), version: "read again" };
    const third = overTheWire(makeEngine());
    const options = { bytes: second.bytes, place: second.place, stateHash: hash };
    expect(text(value(await third.open(kept, options)).content)).toBe("2");
    expect(value(await one.signLeave(second.group, await one.makeDeviceKeys(refs[0])))).toHaveLength(64);
  });

  it("[E7] a Welcome is taken once, for the device it is for, and never over a state", async () => {
    const { other, joined, joining } = await pair();
    const used = await other.joinByWelcome({ ...joining, usedWelcomes: [joined.welcomeId] });
    const held = await other.joinByWelcome({ ...joining, holdsState: true });
    const without = await other.joinByWelcome({ ...joining, keyPackages: [] });
    expect([used.failure, held.failure, without.failure]).toEqual([
      "welcome_used",
      "state_exists",
      "not_for_us",
    ]);
  });

  it("[E4] follows no commit that is not what the server says of the roster", async () => {
    const { one, other, refs, made, joined, document } = await pair();
    const position = { messageId: strangerId(), baseSeq: 0, baseHash: new Uint8Array(32) };
    const options = { add: [], remove: [], document, position, nowMs };
    const commit = value(await one.commit(made.next, options));
    const place = { seq: 2, epoch: 1, messageId: position.messageId, sender: refs[0] };
    const rules: CommitRules = {
      kind: "direct",
      roles: refs.map(({ user_id }) => ({ userId: user_id, role: "member" })),
      leavers: [],
      goneDevices: [],
      roster: { add: [], remove: [] },
    };
    const lying = { ...rules, roster: { add: [{ user_id: randomUserId(), device_id: 1 }], remove: [] } };
    const ask = { bytes: commit.bytes, place, pending: null };
    expect((await other.acceptCommit(joined.group, { ...ask, rules: lying })).failure).toBe(
      "forbidden_change",
    );
    const accepted = value(await other.acceptCommit(joined.group, { ...ask, rules }));
    expect(accepted).toMatchObject({ outcome: "applied", group: { epoch: 2 } });
    const own = value(await one.acceptCommit(made.next, { ...ask, rules, pending: commit }));
    expect(own).toMatchObject({ outcome: "adopted", group: { epoch: 2 } });
  });

  it("a profile opens under its key, for its user, and otherwise not", async () => {
    const engine = overTheWire(makeEngine());
    const key = await engine.makeProfileKey();
    const sealed = await engine.sealProfile(key, "user", utf8("Ann"));
    expect(text((await engine.openProfile(key, "user", sealed)) ?? new Uint8Array())).toBe("Ann");
    expect(await engine.openProfile(key, "another", sealed)).toBeNull();
    expect(await engine.openProfile(await engine.makeProfileKey(), "user", sealed)).toBeNull();
    expect(await engine.openProfile(key, "user", new Uint8Array(3))).toBeNull();
  });
});
