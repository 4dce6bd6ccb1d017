/**
 * The simulator's engine answers as the real one does: the same round of calls on both, with the same outcomes. What it
 * proves with the cheap engine is worth as much as this.
 */
import { describe, expect, it } from "vitest";
import { makeCheapEngine } from "../../../sim/crypto/cheap-engine.ts";
import { makeEngine } from "../../../src/client/crypto/engine.ts";
import {
  type ChatKind,
  type CryptoPort,
  type DeviceKeys,
  type HeldGroup,
  type MadeCommit,
  type Outcome,
  type OwnKeyPackage,
  type Place,
  withRatchet,
} from "../../../src/client/crypto/port.ts";
import { type DeviceRef, deviceKey, directConversationId } from "../../../src/protocol/ids.ts";
import { limits } from "../../../src/protocol/limits.ts";

const nowMs = Date.UTC(2026, 10, 24);
const userIds = ["A", "B", "C"].map((letter) => letter.repeat(21).padEnd(22, "A"));
const refOf = (user: number, device_id = 1): DeviceRef => ({ user_id: userIds[user] ?? "", device_id });
let ids = 0;
function nextId(): string {
  ids += 1;
  return `019aa000-0000-7000-8000-${String(ids).padStart(12, "0")}`;
}

function must<T>(outcome: Outcome<T>): T {
  if (outcome.failure !== null) throw new Error(`failed: ${outcome.failure}`);
  return outcome.value;
}

class Person {
  readonly engine: CryptoPort;
  readonly keys: DeviceKeys;
  readonly packages: OwnKeyPackage[];
  group: HeldGroup | null = null;
  constructor(engine: CryptoPort, keys: DeviceKeys, packages: OwnKeyPackage[]) {
    this.engine = engine;
    this.keys = keys;
    this.packages = packages;
  }
  get held(): HeldGroup {
    if (this.group === null) throw new Error("is in no group");
    return this.group;
  }
  get ref(): DeviceRef {
    return this.keys.device;
  }
}

const engines: [name: string, make: () => CryptoPort][] = [
  ["the real engine", makeEngine],
  ["the cheap engine", makeCheapEngine],
];

describe.each(engines)("%s", (_name, make) => {
  async function person(ref: DeviceRef, kind: ChatKind): Promise<Person> {
    const engine = make();
    const keys = await engine.makeDeviceKeys(ref);
    const suite = kind === "direct" ? "x_wing" : "x25519";
    const options = { suite, oneTime: 1, lastResort: true, nowMs } as const;
    return new Person(engine, keys, await engine.makeKeyPackages(keys, options));
  }

  /** A founds, the others take the Welcome. */
  async function founded(kind: ChatKind, people: Person[]): Promise<{ made: MadeCommit; id: string }> {
    const [founder, ...others] = people as [Person, ...Person[]];
    const id =
      kind === "direct"
        ? await directConversationId(founder.ref.user_id, others[0]?.ref.user_id ?? "")
        : "g".repeat(42).padEnd(43, "A");
    const { document } = await founder.engine.makeState(new Uint8Array([1]));
    const position = { messageId: nextId(), baseSeq: 0, baseHash: new Uint8Array(32) };
    const add = others.map(({ ref, packages }) => ({
      device: ref,
      bytes: packages[0]?.bytes ?? new Uint8Array(),
    }));
    const options = {
      conversationId: id,
      generation: 1,
      kind,
      keys: founder.keys,
      add,
      document,
      position,
      nowMs,
    };
    const made = must(await founder.engine.found(options));
    founder.group = made.next;
    for (const other of others) other.group = must(await welcomed(other, made, id, founder.ref)).group;
    return { made, id };
  }

  function welcomed(other: Person, made: MadeCommit, conversationId: string, inviter: DeviceRef) {
    return other.engine.joinByWelcome({
      keys: other.keys,
      keyPackages: other.packages,
      conversationId,
      generation: 1,
      kind: made.next.kind,
      epoch: made.baseEpoch,
      inviter,
      welcome: made.welcome ?? new Uint8Array(),
      tree: made.tree,
      usedWelcomes: [],
      holdsState: false,
    });
  }

  async function sends(from: Person, text: string): Promise<{ bytes: Uint8Array; place: Place }> {
    const position = { messageId: nextId(), baseSeq: 1, baseHash: new Uint8Array(32).fill(7) };
    const content = new TextEncoder().encode(text);
    const sent = must(
      await from.engine.encrypt(from.held, { content, position, stateHash: new Uint8Array(32) }),
    );
    const place = { seq: 2, epoch: from.held.epoch, messageId: position.messageId, sender: from.ref };
    from.group = withRatchet(from.held, sent);
    return { bytes: sent.bytes, place };
  }

  async function opens(to: Person, message: { bytes: Uint8Array; place: Place }): Promise<string> {
    const outcome = await to.engine.open(to.held, { ...message, stateHash: null });
    if (outcome.failure !== null) return outcome.failure;
    to.group = withRatchet(to.held, outcome.value);
    return new TextDecoder().decode(outcome.value.content);
  }

  async function commits(by: Person, change: { add?: Person[]; remove?: DeviceRef[] }): Promise<MadeCommit> {
    const { document } = await by.engine.makeState(new Uint8Array([2]));
    const add = (change.add ?? []).map(({ ref, packages }) => ({
      device: ref,
      bytes: packages[0]?.bytes ?? new Uint8Array(),
    }));
    const position = { messageId: nextId(), baseSeq: 1, baseHash: new Uint8Array(32) };
    return must(
      await by.engine.commit(by.held, { add, remove: change.remove ?? [], document, position, nowMs }),
    );
  }

  async function accepts(
    who: Person,
    made: MadeCommit,
    by: Person,
    pending: MadeCommit | null = null,
    isRejoin = false,
  ) {
    const said = await who.engine.peekCommit(made.bytes);
    const place = {
      seq: 9,
      epoch: made.baseEpoch,
      messageId: said?.position.messageId ?? "",
      sender: by.ref,
    };
    const before = new Set(who.held.devices.map(deviceKey));
    const after = made.next.devices;
    const known = new Set(after.map(deviceKey));
    const isJoin = isRejoin || !before.has(deviceKey(by.ref));
    const rules = {
      kind: who.held.kind,
      roles: userIds.map((userId, index) => ({
        userId,
        role: index === 0 ? ("owner" as const) : ("member" as const),
      })),
      leavers: [],
      goneDevices: [],
      roster: {
        add: isJoin ? [by.ref] : after.filter((device) => !before.has(deviceKey(device))),
        remove: isRejoin ? [by.ref] : who.held.devices.filter((device) => !known.has(deviceKey(device))),
      },
    };
    const outcome = await who.engine.acceptCommit(who.held, { bytes: made.bytes, place, rules, pending });
    if (outcome.failure !== null) return outcome.failure;
    who.group = outcome.value.group;
    return outcome.value.outcome;
  }

  it("[E15] [E7] founds a direct chat, whose other side joins by Welcome, once", async () => {
    const [alice, bob] = [await person(refOf(0), "direct"), await person(refOf(1), "direct")];
    const { made, id } = await founded("direct", [alice, bob]);
    expect(bob.held.devices.map(deviceKey)).toEqual([deviceKey(alice.ref), deviceKey(bob.ref)]);
    expect([bob.held.epoch, bob.held.joinedEpoch, alice.held.epoch]).toEqual([1, 1, 1]);
    expect(await welcomed(bob, made, id, bob.ref)).toMatchObject({ failure: "wrong_device" });
    const elsewhere = await welcomed(bob, made, "g".repeat(42).padEnd(43, "A"), alice.ref);
    expect(elsewhere.failure).not.toBeNull();
  });

  it("[E2] opens what all that was in flight with it has overtaken", async () => {
    const [alice, bob] = [await person(refOf(0), "direct"), await person(refOf(1), "direct")];
    await founded("direct", [alice, bob]);
    const texts = Array.from({ length: limits.outboxInFlightMax }, (_, i) => `message ${i}`);
    const sent: Awaited<ReturnType<typeof sends>>[] = [];
    for (const text of texts) sent.push(await sends(alice, text));
    const read: unknown[] = [];
    for (const one of sent.reverse()) read.push(await opens(bob, one));
    expect(read.reverse()).toEqual(texts);
  });

  it("[E3] [E13] carries messages both ways, each once, of the one who sent them", async () => {
    const [alice, bob] = [await person(refOf(0), "direct"), await person(refOf(1), "direct")];
    await founded("direct", [alice, bob]);
    const first = await sends(alice, "hello");
    expect(await opens(bob, first)).toBe("hello");
    expect(await opens(bob, first)).toBe("replayed");
    expect(await opens(alice, first)).toBe("own_message");
    const second = await sends(bob, "and back");
    expect(await opens(alice, { ...second, place: { ...second.place, sender: alice.ref } })).toBe(
      "wrong_device",
    );
    const elsewhere = { ...second, place: { ...second.place, messageId: nextId() } };
    expect(await opens(alice, elsewhere)).toBe("wrong_position");
    expect(await opens(alice, second)).toBe("and back");
  });

  it("[E8] skips what a sender encrypted and never sent", async () => {
    const [alice, bob] = [await person(refOf(0), "direct"), await person(refOf(1), "direct")];
    await founded("direct", [alice, bob]);
    await sends(alice, "lost with the app");
    expect(await opens(bob, await sends(alice, "arrives"))).toBe("arrives");
  });

  it("[E2] adopts one's own commit by its hash; the loser of a race takes the winner's", async () => {
    const people = [await person(refOf(0), "group"), await person(refOf(1), "group")] as [Person, Person];
    const [alice, bob] = people;
    await founded("group", people);
    const winner = await commits(alice, {});
    const loser = await commits(bob, {});
    expect(await accepts(alice, winner, alice, winner)).toBe("adopted");
    expect(await accepts(bob, winner, alice, loser)).toBe("applied");
    expect(await opens(bob, await sends(alice, "in step"))).toBe("in step");
  });

  it("[E3] [E11] a removed one reads no more, and one without the role removes nobody", async () => {
    const people = [
      await person(refOf(0), "group"),
      await person(refOf(1), "group"),
      await person(refOf(2), "group"),
    ] as [Person, Person, Person];
    const [alice, bob, cleo] = people;
    await founded("group", people);
    const forbidden = await commits(bob, { remove: [cleo.ref] });
    expect(await accepts(alice, forbidden, bob)).toBe("forbidden_change");
    const removal = await commits(alice, { remove: [bob.ref] });
    expect(await accepts(cleo, removal, alice)).toBe("applied");
    expect(await accepts(bob, removal, alice)).toBe("removed");
    expect(await accepts(alice, removal, alice, removal)).toBe("adopted");
    const later = await sends(alice, "without Bob");
    expect(await opens(cleo, later)).toBe("without Bob");
    expect(await opens(bob, later)).toBe("removed");
  });

  it("[E12] a member's other device comes in by external commit, and one that lost its state comes back", async () => {
    const [alice, bob] = [await person(refOf(0), "group"), await person(refOf(1), "group")];
    const { made, id } = await founded("group", [alice, bob]);
    const tablet = await person(refOf(1, 2), "group");
    const joins = (who: Person, from: MadeCommit) =>
      who.engine.joinByGroupInfo({
        keys: who.keys,
        conversationId: id,
        generation: 1,
        kind: "group",
        epoch: from.next.epoch,
        groupInfo: from.groupInfo,
        tree: from.tree,
        position: { messageId: nextId(), baseSeq: 0, baseHash: new Uint8Array(32) },
        stateHash: new Uint8Array(32),
        nowMs,
      });
    const entry = must(await joins(tablet, made));
    tablet.group = entry.next;
    for (const who of [alice, bob]) expect(await accepts(who, entry, tablet)).toBe("applied");
    expect(await opens(bob, await sends(tablet, "from the tablet"))).toBe("from the tablet");
    const back = must(await joins(bob, entry));
    bob.group = back.next;
    expect(await accepts(alice, back, bob, null, true)).toBe("applied");
    expect(await opens(bob, await sends(alice, "welcome back"))).toBe("welcome back");
    expect(back.next.devices).toHaveLength(3);
  });

  it("[E14] tells a leave statement from a forged one", async () => {
    const [alice, bob] = [await person(refOf(0), "group"), await person(refOf(1), "group")];
    await founded("group", [alice, bob]);
    const signature = must(await bob.engine.signLeave(bob.held, bob.keys));
    const said = { epoch: 1, signature };
    expect(await alice.engine.isLeave(alice.held, { device: bob.ref, ...said })).toBe(true);
    expect(await alice.engine.isLeave(alice.held, { device: alice.ref, ...said })).toBe(false);
    expect(await alice.engine.isLeave(alice.held, { device: bob.ref, ...said, epoch: 0 })).toBe(false);
  });

  it("[E16] seals the state for the new epoch, and for what the commit signed", async () => {
    const [alice, bob] = [await person(refOf(0), "group"), await person(refOf(1), "group")];
    await founded("group", [alice, bob]);
    const commit = await commits(alice, {});
    const said = await bob.engine.peekCommit(commit.bytes);
    const sealed = commit.sealedState ?? new Uint8Array();
    const hash = said?.stateHash ?? new Uint8Array(32);
    expect((await bob.engine.openState(bob.held, { sealed, hash })).failure).not.toBeNull();
    expect(await accepts(bob, commit, alice)).toBe("applied");
    const document = must(await bob.engine.openState(bob.held, { sealed, hash }));
    expect((await bob.engine.readState(document))?.content).toEqual(new Uint8Array([2]));
    const other = { sealed, hash: new Uint8Array(32) };
    expect((await bob.engine.openState(bob.held, other)).failure).toBe("state_mismatch");
  });

  it("keeps a profile under its key, for its user", async () => {
    const engine = make();
    const key = await engine.makeProfileKey();
    const [user = "", other = ""] = userIds;
    const sealed = await engine.sealProfile(key, user, new Uint8Array([3]));
    expect(await engine.openProfile(key, user, sealed)).toEqual(new Uint8Array([3]));
    expect(await engine.openProfile(key, other, sealed)).toBeNull();
    expect(await engine.openProfile(await engine.makeProfileKey(), user, sealed)).toBeNull();
  });
});
