/** The engine behind the port, through clones of everything as a worker would get it. */
import { describe, expect, it } from "vitest";
import { withRatchet } from "../../../../src/client/crypto/port.ts";
import {
  clonedPort,
  encrypt,
  foundBy,
  newDevice,
  nowMs,
  packageOf,
  pair,
  placeOf,
  position,
  rulesFor,
  text,
  utf8,
  value,
  welcomeFor,
} from "./support/ports.ts";

describe.each(["direct", "group"] as const)("messages in a %s chat", (kind) => {
  it("[E2] [E7] whom the founding commit adds reads what the founder writes, and answers", async () => {
    const { alice, bob, founded, alices, bobs } = await pair(kind);
    const hello = await encrypt(alice, alices, "hello", founded.stateHash);
    const context = { bytes: hello.sent.bytes, place: hello.place, stateHash: founded.stateHash };
    const opened = value(await bob.port.open(bobs, context));
    expect(text(opened.content)).toBe("hello");
    expect(opened.position.messageId).toBe(hello.place.messageId);
    const answer = await encrypt(bob, withRatchet(bobs, opened), "answer", founded.stateHash);
    const back = await alice.port.open(withRatchet(alices, hello.sent), {
      bytes: answer.sent.bytes,
      place: answer.place,
      stateHash: founded.stateHash,
    });
    expect(text(value(back).content)).toBe("answer");
  });

  it("[E8] another run goes on from the stored state and its ratchets", async () => {
    const { alice, bob, founded, alices, bobs } = await pair(kind);
    const one = await encrypt(alice, alices, "one", founded.stateHash);
    const two = await encrypt(alice, withRatchet(alices, one.sent), "two", founded.stateHash);
    const first = { bytes: one.sent.bytes, place: one.place, stateHash: null };
    const stored = withRatchet(bobs, value(await bob.port.open(bobs, first)));
    const second = { bytes: two.sent.bytes, place: two.place, stateHash: null };
    const opened = value(await clonedPort().open(stored, second));
    expect(text(opened.content)).toBe("two");
    expect((await clonedPort().open(stored, first)).failure).toBe("replayed");
  });

  it("[E8] a step that was not stored can be taken again from the state before it", async () => {
    const { alice, bob, founded, alices, bobs } = await pair(kind);
    const { sent, place } = await encrypt(alice, alices, "once more", founded.stateHash);
    const context = { bytes: sent.bytes, place, stateHash: founded.stateHash };
    value(await bob.port.open(bobs, context));
    expect(text(value(await bob.port.open(bobs, context)).content)).toBe("once more");
  });
});

describe("Welcomes and packages", () => {
  it("[E7] a Welcome is taken once, from who made it, and never over a state", async () => {
    const { alice, bob, founded } = await pair("direct");
    const options = welcomeFor(bob, founded, alice);
    const { welcomeId } = value(await bob.port.joinByWelcome(options));
    const again = { ...options, usedWelcomes: [welcomeId] };
    expect((await bob.port.joinByWelcome(again)).failure).toBe("welcome_used");
    expect((await bob.port.joinByWelcome({ ...options, holdsState: true })).failure).toBe("state_exists");
    expect((await bob.port.joinByWelcome({ ...options, inviter: bob.ref })).failure).toBe("wrong_device");
  });

  it("[E6] says which package a Welcome used, and that it was the last resort", async () => {
    const alice = await newDevice();
    const bob = await newDevice();
    const founded = await foundBy(alice, [bob], "direct", true);
    const welcomed = value(await bob.port.joinByWelcome(welcomeFor(bob, founded, alice)));
    expect(welcomed.isLastResort).toBe(true);
    const used = bob.packages.find((own) => own.ref === welcomed.usedRef);
    expect(used?.bytes).toEqual(packageOf(bob, "direct", true).bytes);
  });

  it("[E6] a claimed package that does not hold is left out and named, the others are added", async () => {
    const [alice, bob, carol] = [await newDevice(), await newDevice(), await newDevice()];
    const carols = await newDevice(carol.ref.user_id, 2);
    const { document } = await alice.port.makeState(utf8("{}"));
    const ofAnotherUser = { device: carol.ref, bytes: packageOf(bob, "group").bytes };
    const ofAnotherDevice = { device: carols.ref, bytes: packageOf(carol, "group").bytes };
    const made = value(
      await alice.port.found({
        conversationId: "c".repeat(43),
        generation: 1,
        kind: "group",
        keys: alice.keys,
        add: [packageOf(bob, "group"), ofAnotherUser, ofAnotherDevice],
        document,
        position: position(0),
        nowMs,
      }),
    );
    expect(made.added).toEqual([bob.ref]);
    expect(made.refused.map(({ device }) => device)).toEqual([carol.ref, carols.ref]);
  });
});

describe("commits", () => {
  it("[E2] [E8] the author adopts its own by hash; the loser of a race applies the winner's", async () => {
    const { alice, bob, founded, alices, bobs } = await pair("group");
    const carol = await newDevice();
    const { document, stateHash } = founded;
    const change = { remove: [], document, nowMs };
    const at = position(1);
    const winner = value(
      await alice.port.commit(alices, { ...change, add: [packageOf(carol, "group")], position: at }),
    );
    const loser = value(await bob.port.commit(bobs, { ...change, add: [], position: position(1) }));
    const place = placeOf(winner, at.messageId, alice, 2);
    const entry = { bytes: winner.bytes, place, rules: rulesFor(winner, [alice, bob], "group") };
    const own = value(await alice.port.acceptCommit(alices, { ...entry, pending: winner }));
    const others = value(await bob.port.acceptCommit(bobs, { ...entry, pending: loser }));
    expect([own.outcome, others.outcome]).toEqual(["adopted", "applied"]);
    expect(others.added).toEqual([carol.ref]);
    const { sent, place: spoken } = await encrypt(bob, others.group, "after", stateHash);
    const opened = await alice.port.open(own.group, { bytes: sent.bytes, place: spoken, stateHash });
    expect(text(value(opened).content)).toBe("after");
  });

  it("[E4] a roster that the server made up is refused, and the state stays usable", async () => {
    const { alice, bob, founded, alices, bobs } = await pair("group");
    const at = position(1);
    const change = { add: [], remove: [], document: founded.document, position: at, nowMs };
    const made = value(await alice.port.commit(alices, change));
    const rules = rulesFor(made, [alice, bob], "group");
    const lie = { ...rules, roster: { add: [bob.ref], remove: [] } };
    const entry = { bytes: made.bytes, place: placeOf(made, at.messageId, alice, 2), pending: null };
    expect((await bob.port.acceptCommit(bobs, { ...entry, rules: lie })).failure).toBe("forbidden_change");
    expect(value(await bob.port.acceptCommit(bobs, { ...entry, rules })).outcome).toBe("applied");
  });

  it("[E16] members open the state that a commit sealed, and no other under its hash", async () => {
    const { alice, bob, founded, alices, bobs } = await pair("group");
    const { document, hash } = await alice.port.makeState(utf8("renamed"));
    const at = position(1);
    const made = value(
      await alice.port.commit(alices, { add: [], remove: [], document, position: at, nowMs }),
    );
    const entry = { bytes: made.bytes, place: placeOf(made, at.messageId, alice, 2), pending: null };
    const rules = rulesFor(made, [alice, bob], "group");
    const accepted = value(await bob.port.acceptCommit(bobs, { ...entry, rules }));
    expect(accepted.stateHash).toEqual(hash);
    const sealed = made.sealedState ?? new Uint8Array();
    const opened = value(await bob.port.openState(accepted.group, { sealed, hash }));
    const read = await bob.port.readState(opened);
    expect(text(read?.content ?? new Uint8Array())).toBe("renamed");
    const wrong = await bob.port.openState(accepted.group, { sealed, hash: founded.stateHash });
    expect(wrong.failure).toBe("state_mismatch");
  });

  it("[E12] a member's further device comes in by external commit and both sides read each other", async () => {
    const { alice, founded, alices } = await pair("direct");
    const second = await newDevice(alice.ref.user_id, 2);
    const at = position(1);
    const peeked = await second.port.peekCommit(founded.made.bytes);
    expect(peeked?.stateHash).toEqual(founded.stateHash);
    const join = value(
      await second.port.joinByGroupInfo({
        keys: second.keys,
        conversationId: founded.conversationId,
        generation: 1,
        kind: "direct",
        epoch: 1,
        groupInfo: founded.made.groupInfo,
        tree: founded.made.tree,
        position: at,
        stateHash: founded.stateHash,
        nowMs,
      }),
    );
    const rules = { ...rulesFor(join, [alice], "direct"), roster: { add: [second.ref], remove: [] } };
    const place = placeOf(join, at.messageId, second, 2);
    const seen = value(
      await alice.port.acceptCommit(alices, { bytes: join.bytes, place, rules, pending: null }),
    );
    expect(seen.isJoin).toBe(true);
    const { sent, place: spoken } = await encrypt(alice, seen.group, "to both", founded.stateHash);
    const opened = await second.port.open(join.next, { bytes: sent.bytes, place: spoken, stateHash: null });
    expect(text(value(opened).content)).toBe("to both");
  });

  it("[E14] a leave statement holds for its author and epoch alone", async () => {
    const { alice, bob, alices, bobs } = await pair("group");
    const signature = value(await bob.port.signLeave(bobs, bob.keys));
    const statement = { device: bob.ref, epoch: 1, signature };
    expect(await alice.port.isLeave(alices, statement)).toBe(true);
    expect(await alice.port.isLeave(alices, { ...statement, device: alice.ref })).toBe(false);
    expect(await alice.port.isLeave(alices, { ...statement, epoch: 2 })).toBe(false);
  });
});

it("[E1] a profile opens under its key for its user only, and its length tells nothing", async () => {
  const { port, ref } = await newDevice();
  const key = await port.makeProfileKey();
  const sealed = await port.sealProfile(key, ref.user_id, utf8("Alice"));
  expect(text((await port.openProfile(key, ref.user_id, sealed)) ?? utf8("closed"))).toBe("Alice");
  expect(await port.openProfile(key, "somebody else", sealed)).toBeNull();
  expect(await port.openProfile(await port.makeProfileKey(), ref.user_id, sealed)).toBeNull();
  const longer = await port.sealProfile(key, ref.user_id, utf8("Alice of the cliffs"));
  expect(longer).toHaveLength(sealed.length);
});
