// The attacks that live at this level, and what each attacker really holds: a server that forges and replays,
// a member that keeps no rules, an ex-member with everything it ever had.
import {
  type CiphersuiteImpl,
  createApplicationMessage,
  decodeMlsMessage,
  emptyPskIndex,
  encodeMlsMessage,
  type Proposal,
  processMessage,
} from "ts-mls";
import { decodeRatchetTree, encodeRatchetTree } from "ts-mls/ratchetTree.js";
import { describe, expect, test } from "vitest";
import { mlsRepairFor } from "../../../src/client/mls/failures.ts";
import { epochOf } from "../../../src/client/mls/group.ts";
import { joinByExternalCommit } from "../../../src/client/mls/join-external.ts";
import { joinByWelcome, type WelcomeContext } from "../../../src/client/mls/join-welcome.ts";
import { checkClaimed, makeKeyPackage } from "../../../src/client/mls/key-packages.ts";
import { seal } from "../../../src/client/mls/padding.ts";
import { openState, stateHash } from "../../../src/client/mls/sealed-state.ts";
import { implementationOf } from "../../../src/client/mls/suites.ts";
import { anchorAfter, anchorOf } from "../../../src/client/mls/transcript.ts";
import { encodeAuthenticatedData } from "../../../src/mls-guard/authenticated-data.ts";
import { commitEntry, entryAs, forgeCommit, messageIdIn } from "./support/forge.ts";
import {
  announcedBy,
  comeIn,
  document,
  externalJoin,
  groupOf,
  invite,
  joinedFrom,
  type Log,
  type LogEntry,
  type Member,
  newDevice,
  newGroup,
  nowMs,
  openJudge,
  pick,
  publish,
  randomConversationId,
  randomUserId,
  text,
  utf8,
  value,
} from "./support/world.ts";

/** Past all our checks, with the keys the attacker has. */
async function openWithLibrary(member: Member, bytes: Uint8Array, epoch?: bigint): Promise<string> {
  const message = decodeMlsMessage(bytes, 0)?.[0];
  if (message?.wireformat !== "mls_private_message") throw new Error("not a message");
  const forged = { ...message.privateMessage, epoch: epoch ?? message.privateMessage.epoch };
  const suite = await implementationOf(member.group.suite);
  const asRead = { ...message, privateMessage: forged };
  const result = await processMessage(asRead, member.group.state, emptyPskIndex, () => "accept", suite);
  return result.kind === "applicationMessage" ? text(result.message) : result.kind;
}

describe("an ex-member", () => {
  test("with its full old state and all ciphertexts reads nothing after its removal", async () => {
    const { members } = await newGroup(4);
    const [alice, bob, carol] = [pick(members, 0), pick(members, 1), pick(members, 2)];
    const old = bob.group;
    const pending = value(await alice.commit({ remove: [bob.ref] }));
    const removal = await alice.publish(pending);
    await carol.accept(removal);
    const entry = await alice.send("without Bob");
    expect(await carol.read(entry)).toBe("without Bob");
    expect(await bob.accept(removal)).toBe("removed");
    expect((await bob.receive(entry)).failure).toBe("removed");
    bob.group = old;
    expect((await bob.receive(entry)).failure).toBe("epoch_ahead");
    await expect(openWithLibrary(bob, entry.bytes)).rejects.toThrow();
    await expect(openWithLibrary(bob, entry.bytes, BigInt(epochOf(old)))).rejects.toThrow();
    const sealed = pending.sealedState ?? new Uint8Array();
    expect((await openState({ ...old }, sealed, stateHash(document))).failure).toBe("state_unreadable");
  });

  test("cannot bring a message in after its removal: it is of an epoch that is over", async () => {
    const { log, members } = await newGroup(3);
    const [alice, bob, carol] = [pick(members, 0), pick(members, 1), pick(members, 2)];
    const late = await bob.send("too late");
    log.entries.pop();
    await carol.accept(await alice.publish(value(await alice.commit({ remove: [bob.ref] }))));
    const place = { seq: log.entries.length + 1 };
    expect((await carol.receive(late, place)).failure).toBe("epoch_passed");
    expect((await carol.receive(late, { ...place, epoch: epochOf(carol.group) })).failure).toBe(
      "wrong_position",
    );
  });
});

describe("a joiner", () => {
  test("reads nothing from before it, and that is no failure", async () => {
    const { log, members } = await newGroup(2);
    const [alice, bob] = [pick(members, 0), pick(members, 1)];
    const earlier = await alice.send("before Carol");
    await bob.read(earlier);
    const device = await newDevice();
    const { own, claimed } = await invite(device, "group");
    const entry = await alice.publish(value(await alice.commit({ add: [claimed] })));
    const carol = await joinedFrom(log, device, own, entry);
    const received = await carol.receive(earlier);
    expect(received.failure).toBe("before_join");
    expect(mlsRepairFor("before_join")).toBe("none");
    await expect(openWithLibrary(carol, earlier.bytes)).rejects.toThrow();
    await expect(openWithLibrary(carol, earlier.bytes, BigInt(epochOf(carol.group)))).rejects.toThrow();
  });
});

describe("a server that swaps key packages", () => {
  async function claim(bytes: Uint8Array, userId: string, judge = openJudge, at = nowMs) {
    return (await checkClaimed(bytes, { userId, suite: "x25519", nowMs: at, judge })).failure;
  }

  test("is found out by user, pinned account key, certificate, signature, suite and lifetime", async () => {
    const bob = await newDevice();
    const { user_id: userId } = bob.ref;
    const { own } = await invite(bob, "group");
    expect(await claim(own.bytes, userId)).toBeNull();
    expect(await claim(own.bytes, randomUserId())).toBe("untrusted_leaf");
    const pinned = { ...openJudge, acceptsLeaf: () => false };
    expect(await claim(own.bytes, userId, pinned)).toBe("untrusted_leaf");
    expect(await claim(own.bytes, userId, openJudge, nowMs + 91 * 86_400_000)).toBe("key_package_expired");
    expect(await claim(own.bytes, userId, openJudge, nowMs - 2 * 3_600_000)).toBe("key_package_expired");
    expect(await claim((await invite(bob, "direct")).own.bytes, userId)).toBe("wrong_suite");
    const stolen = { ...(await newDevice()), credential: bob.credential };
    const forged = await makeKeyPackage(stolen, { suite: "x25519", isLastResort: false, nowMs });
    expect(await claim(forged.bytes, userId)).toBe("untrusted_leaf");
    const spoiled = own.bytes.slice();
    spoiled[spoiled.length - 1] = (spoiled.at(-1) ?? 0) ^ 1;
    expect(await claim(spoiled, userId)).toBe("key_package_invalid");
  });
});

describe("a server that forges commits", () => {
  test("cannot add anybody: it has no leaf to sign with", async () => {
    const { members } = await newGroup(3);
    const [alice, bob] = [pick(members, 0), pick(members, 1)];
    const stranger = await newDevice();
    const { claimed } = await invite(stranger, "group");
    const elsewhere = await groupOf([stranger, await newDevice()], "group");
    const imposter = pick(elsewhere.members, 0);
    const groupContext = {
      ...imposter.group.state.groupContext,
      groupId: alice.group.state.groupContext.groupId,
    };
    const add: Proposal = { proposalType: "add", add: { keyPackage: claimed.keyPackage } };
    const state = { ...imposter.group.state, groupContext };
    const { bytes } = await forgeCommit(imposter, [], { state });
    const entry = entryAs(commitEntry(alice, bytes, messageIdIn(bytes)), { sender: stranger.ref });
    expect((await bob.acceptance(entry)).failure).toBe("changed_identity");
    const signed = await forgeCommit(alice, [add]);
    const spoiled = signed.bytes.slice();
    spoiled[spoiled.length - 1] = (spoiled.at(-1) ?? 0) ^ 1;
    expect((await bob.acceptance(entryAs(signed.entry, { bytes: spoiled }))).failure).toBe(
      "commit_unprocessable",
    );
  });

  test("cannot bring a device in by external commit that members do not accept", async () => {
    const { log, members } = await newGroup(3);
    const [alice, bob] = [pick(members, 0), pick(members, 1)];
    const unlisted = await newDevice(alice.ref.user_id, 9);
    const pending = value(await externalJoin(log, { device: unlisted }));
    const entry = publish(log, pending, unlisted.ref);
    bob.judge = { ...openJudge, acceptsLeaf: ({ device }) => device.device_id !== 9 };
    expect((await bob.acceptance(entry)).failure).toBe("untrusted_leaf");
    bob.judge = { ...openJudge, allowsCommit: (change) => !change.isJoin };
    expect((await bob.acceptance(entry)).failure).toBe("forbidden_change");
    expect((await bob.acceptance(entryAs(entry, { sender: alice.ref }))).failure).toBe("wrong_device");
  });
});

describe("a tampered tree", () => {
  async function tampered(log: Log): Promise<Uint8Array> {
    const tree = decodeRatchetTree(log.newest.tree, 0)?.[0] ?? [];
    const node = tree[1];
    if (node?.nodeType !== "parent") throw new Error("node 1 should be filled");
    const hpkePublicKey = crypto.getRandomValues(new Uint8Array(32));
    tree[1] = { ...node, parent: { ...node.parent, hpkePublicKey } };
    return encodeRatchetTree(tree);
  }

  test("lets nobody in by Welcome or by external commit", async () => {
    const { log, members } = await newGroup(4);
    const device = await newDevice();
    const { own, claimed } = await invite(device, "group");
    const entry = await pick(members, 0).publish(value(await pick(members, 0).commit({ add: [claimed] })));
    const context = welcomeContext(log, entry, device, [own]);
    const joined = await joinByWelcome(log.newest.welcome ?? new Uint8Array(), await tampered(log), context);
    expect(joined.failure).toBe("welcome_unreadable");
    const from = { ...log.newest, tree: await tampered(log) };
    expect((await externalJoin(log, { device: await newDevice(), from })).failure).toBe("group_info_invalid");
  });

  test("inside the Welcome, where no guard of bytes sees it, is refused unread", async () => {
    const { log, members } = await newGroup(2);
    const device = await newDevice();
    const { own, claimed } = await invite(device, "group");
    const add: Proposal = { proposalType: "add", add: { keyPackage: claimed.keyPackage } };
    const forged = await forgeCommit(pick(members, 0), [add], { ratchetTreeExtension: true });
    const context = welcomeContext(log, forged.entry, device, [own]);
    const tree = encodeRatchetTree(forged.state.ratchetTree);
    const joined = await joinByWelcome(forged.welcome ?? new Uint8Array(), tree, context);
    expect(joined.failure).toBe("leaf_policy");
  });
});

function welcomeContext(
  log: Log,
  entry: LogEntry,
  device: WelcomeContext["device"],
  keyPackages: WelcomeContext["keyPackages"],
): WelcomeContext {
  const announced = announcedBy(log, entry);
  return { device, announced, keyPackages, holdsState: false, usedWelcomes: new Set(), judge: openJudge };
}

describe("[E7] a Welcome", () => {
  async function invited(kind: "direct" | "group" = "group") {
    const { log, members } = await newGroup(2, kind);
    const device = kind === "group" ? await newDevice() : await newDevice(pick(members, 1).ref.user_id, 2);
    const { own, claimed } = await invite(device, kind);
    const entry = await pick(members, 0).publish(value(await pick(members, 0).commit({ add: [claimed] })));
    const { welcome, tree } = log.newest;
    const context = welcomeContext(log, entry, device, [own]);
    const join = (change: Partial<WelcomeContext> = {}) =>
      joinByWelcome(welcome ?? new Uint8Array(), tree, { ...context, ...change });
    return { context, join, members };
  }

  test("is used once, never over a state, and not without its key package", async () => {
    const { join } = await invited();
    const { welcomeId } = value(await join());
    expect((await join({ usedWelcomes: new Set([welcomeId]) })).failure).toBe("welcome_used");
    expect((await join({ holdsState: true })).failure).toBe("state_exists");
    expect((await join({ keyPackages: [] })).failure).toBe("not_for_us");
  });

  test("is for the announced conversation, generation, epoch and inviter", async () => {
    const { context, join, members } = await invited();
    const announced = (change: Partial<WelcomeContext["announced"]>) =>
      join({ announced: { ...context.announced, ...change } });
    expect((await announced({ conversationId: randomConversationId() })).failure).toBe("wrong_group");
    expect((await announced({ generation: 1 })).failure).toBe("wrong_group");
    expect((await announced({ epoch: 7 })).failure).toBe("wrong_epoch");
    expect((await announced({ inviter: pick(members, 1).ref })).failure).toBe("wrong_device");
    expect((await announced({ kind: "direct" })).failure).toBe("wrong_suite");
  });

  test("into a direct chat needs exactly its two users", async () => {
    const { join } = await invited("direct");
    expect((await join()).failure).toBeNull();
    const { log, members } = await newGroup(2, "direct");
    const third = await newDevice();
    const { own, claimed } = await invite(third, "direct");
    const entry = publish(
      log,
      value(await pick(members, 0).commit({ add: [claimed] })),
      pick(members, 0).ref,
    );
    const context = welcomeContext(log, entry, third, [own]);
    const joined = await joinByWelcome(log.newest.welcome ?? new Uint8Array(), log.newest.tree, context);
    expect(joined.failure).toBe("not_two_users");
  });

  test("with leaves that the judge does not accept is refused", async () => {
    const { join } = await invited();
    const judge = { ...openJudge, acceptsLeaf: () => false };
    expect((await join({ judge })).failure).toBe("untrusted_leaf");
  });
});

test("[E6] a last-resort key package serves two groups; each Welcome of it still once", async () => {
  const device = await newDevice();
  const { own, claimed } = await invite(device, "group", true);
  expect(own.isLastResort && claimed.isLastResort).toBe(true);
  const ids = new Set<string>();
  for (let i = 0; i < 2; i++) {
    const { log, members } = await newGroup(2);
    const entry = await pick(members, 0).publish(value(await pick(members, 0).commit({ add: [claimed] })));
    const context = welcomeContext(log, entry, device, [own]);
    const { welcome, tree } = log.newest;
    const joined = value(await joinByWelcome(welcome ?? new Uint8Array(), tree, context));
    expect(joined.keyPackage.isLastResort).toBe(true);
    ids.add(joined.welcomeId);
    const again = await joinByWelcome(welcome ?? new Uint8Array(), tree, { ...context, usedWelcomes: ids });
    expect(again.failure).toBe("welcome_used");
  }
  expect(ids.size).toBe(2);
});

describe("[E13] a message", () => {
  test("opens once", async () => {
    const { log, members } = await newGroup(2);
    const [alice, bob] = [pick(members, 0), pick(members, 1)];
    const entry = await alice.send("once");
    await bob.read(entry);
    expect((await bob.receive(entry)).failure).toBe("replayed");
    const { messageId } = await alice.send("another");
    const replayed = { seq: log.entries.length + 1, messageId };
    expect((await bob.receive(entry, replayed)).failure).toBe("wrong_position");
  });

  test("claimed for another device, conversation, id or place is refused, and costs no key", async () => {
    const { log, members } = await newGroup(3);
    const [alice, bob, carol] = [pick(members, 0), pick(members, 1), pick(members, 2)];
    const other = await groupOf([alice.device, bob.device], "group");
    const entry = await alice.send("mine");
    expect((await bob.receive(entry, { sender: carol.ref })).failure).toBe("wrong_device");
    expect((await pick(other.members, 1).receive(entry)).failure).toBe("wrong_group");
    expect((await bob.receive(entry, { messageId: pick(log.entries, 0).messageId })).failure).toBe(
      "wrong_position",
    );
    expect((await bob.receive(entry, { seq: 1 })).failure).toBe("wrong_position");
    expect((await bob.receive(entry, { epoch: 0 })).failure).toBe("wrong_position");
    expect((await alice.receive(entry)).failure).toBe("own_message");
    expect(await bob.read(entry)).toBe("mine");
  });

  test("from a sender that was shown another log stops everything", async () => {
    const { members } = await newGroup(2);
    const [alice, bob] = [pick(members, 0), pick(members, 1)];
    const entry = await alice.send("fork?");
    const hashAt = () => new Uint8Array(32);
    expect((await bob.receive(entry, { hashAt })).failure).toBe("log_fork");
    expect(mlsRepairFor("log_fork")).toBe("stop");
    expect(value(await bob.receive(entry, { hashAt: () => null })).isLogCompared).toBe(false);
    const pending = value(await alice.commit());
    const commit = publish(alice.log, pending, alice.ref);
    bob.place = (of) => ({ ...of, hashAt });
    expect((await bob.acceptance(commit)).failure).toBe("log_fork");
  });

  test("with a changed byte in its authenticated data accuses nobody of a fork", async () => {
    const { members } = await newGroup(2);
    const [alice, bob] = [pick(members, 0), pick(members, 1)];
    const entry = await alice.send("fork?");
    const message = decodeMlsMessage(entry.bytes, 0)?.[0];
    if (message?.wireformat !== "mls_private_message") throw new Error("not a message");
    const authenticatedData = message.privateMessage.authenticatedData.slice();
    authenticatedData[30] = (authenticatedData[30] ?? 0) ^ 1;
    const privateMessage = { ...message.privateMessage, authenticatedData };
    const bytes = encodeMlsMessage({ ...message, privateMessage });
    expect((await bob.receive({ ...entry, bytes })).failure).toBe("decrypt_failed");
    expect(await bob.read(entry)).toBe("fork?");
  });

  test.each([
    ["with another commitment", "commitment_mismatch"],
    ["badly padded", "bad_padding"],
    ["of another state", "state_mismatch"],
  ] as const)("%s is refused", async (_, failure) => {
    const { log, members } = await newGroup(2);
    const [alice, bob] = [pick(members, 0), pick(members, 1)];
    const { padded, commitment } = seal(utf8("what a report would show"));
    if (failure === "commitment_mismatch") commitment[0] = (commitment[0] ?? 0) ^ 1;
    if (failure === "bad_padding") padded[255] = 1;
    const hash = failure === "state_mismatch" ? new Uint8Array(32) : stateHash(document);
    const position = alice.position();
    const data = encodeAuthenticatedData({ kind: "message", ...position, stateHash: hash, commitment });
    const suite = await implementationOf("x25519");
    const { privateMessage } = await createApplicationMessage(alice.group.state, padded, suite, data);
    const bytes = encodeMlsMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage });
    const { messageId } = position;
    const entry = log.append({ kind: "message", epoch: log.epoch, messageId, sender: alice.ref, bytes });
    expect((await bob.receive(entry)).failure).toBe(failure);
  });
});

test("[E2] garbage in one path ciphertext: two advance, one cannot, and it comes back by external commit", async () => {
  const { log, members } = await newGroup(4);
  const [alice, bob, carol, dave] = [pick(members, 0), pick(members, 1), pick(members, 2), pick(members, 3)];
  // So that each other member has a ciphertext of its own: nothing above the leaves is filled on their side.
  const suite = await implementationOf("x25519");
  const target = carol.group.state.ratchetTree[4];
  const targetKey = target?.nodeType === "leaf" ? target.leaf.hpkePublicKey : new Uint8Array();
  const forCarol = await suite.hpke.importPublicKey(targetKey);
  const seal: CiphersuiteImpl["hpke"]["seal"] = async (key, plaintext, info, aad) => {
    const sealed = await suite.hpke.seal(key, plaintext, info, aad);
    const exported = await suite.hpke.exportPublicKey(key);
    const isCarol = Buffer.compare(exported, await suite.hpke.exportPublicKey(forCarol)) === 0;
    return isCarol ? { ...sealed, ct: sealed.ct.map((byte) => byte ^ 0xff) } : sealed;
  };
  const forged = await forgeCommit(alice, [], { suite: { ...suite, hpke: { ...suite.hpke, seal } } });
  const honest = { ...value(await alice.commit()), bytes: forged.bytes };
  const next = { ...alice.group, state: { ...forged.state, historicalReceiverData: new Map() } };
  const entry = publish(log, { ...honest, next }, alice.ref);
  alice.group = next;
  alice.readSeq = entry.seq;
  expect(await bob.accept(entry)).toBe("applied");
  expect(await dave.accept(entry)).toBe("applied");
  const failed = await carol.acceptance(entry);
  expect(failed.failure).toBe("commit_unprocessable");
  expect(mlsRepairFor("commit_unprocessable")).toBe("rejoin");
  expect(await bob.read(await alice.send("where is Carol?"))).toBe("where is Carol?");
  const repaired = value(await bob.commit());
  const third = await bob.publish(repaired);
  for (const member of [alice, dave]) await member.accept(third);
  const again = await comeIn(log, [alice, bob, dave], { device: carol.device });
  expect(await dave.read(await again.send("here"))).toBe("here");
});

test("[E12] an old GroupInfo, or one that is not of the log's commits, is refused", async () => {
  const { log, members } = await newGroup(3);
  const alice = pick(members, 0);
  const anchor = anchorOf(alice.group);
  const old = log.newest;
  await alice.publish(value(await alice.commit()));
  const device = await newDevice(alice.ref.user_id, 2);
  expect((await externalJoin(log, { device, from: old })).failure).toBe("old_group_info");
  const commits = log.entries.slice(1).map((entry) => entry.bytes);
  const join = (withAnchor: typeof anchor) =>
    joinByExternalCommit(log.newest.groupInfo, log.newest.tree, {
      ...announcedBy(log, pick(log.entries, 1)),
      device,
      epoch: log.epoch,
      anchor: withAnchor,
      replaces: null,
      position: alice.position(),
      stateHash: stateHash(document),
      judge: openJudge,
      nowMs,
    });
  expect((await join(anchorAfter(anchor, commits, alice.group))).failure).toBeNull();
  const forked = value(await pick(members, 1).commit()).bytes;
  expect((await join(anchorAfter(anchor, [forked], alice.group))).failure).toBe("old_group_info");
  const wrongSigner = { ...log.newest, groupInfo: spoiledEnd(log.newest.groupInfo) };
  expect((await externalJoin(log, { device, from: wrongSigner })).failure).toBe("group_info_invalid");
});

function spoiledEnd(bytes: Uint8Array): Uint8Array {
  const spoiled = bytes.slice();
  spoiled[spoiled.length - 1] = (spoiled.at(-1) ?? 0) ^ 1;
  return spoiled;
}

test("a joiner cannot take the place of another user's device", async () => {
  const { log, members } = await newGroup(3);
  const device = await newDevice();
  const stolen = await externalJoin(log, { device, replaces: pick(members, 1).ref });
  expect(stolen.failure).toBe("removes_other_user");
});
