// [E4] [E11] Commits, trees and bytes that never reach the library. First the six guards against what it lets through.
import fc from "fast-check";
import { createCommit, encodeMlsMessage, type Proposal } from "ts-mls";
import { decodeRatchetTree, encodeRatchetTree } from "ts-mls/ratchetTree.js";
import { describe, expect, test } from "vitest";
import { checkClaimed } from "../../../src/client/mls/key-packages.ts";
import { receiveMessage } from "../../../src/client/mls/message.ts";
import { stateHash } from "../../../src/client/mls/sealed-state.ts";
import { implementationOf } from "../../../src/client/mls/suites.ts";
import { mlsBounds } from "../../../src/mls-guard/bounds.ts";
import { inspectCommit } from "../../../src/mls-guard/commit-rules.ts";
import { checkGroupInfo, readGroupInfo, readWelcome } from "../../../src/mls-guard/messages.ts";
import { Reader } from "../../../src/mls-guard/reader.ts";
import { Refusal } from "../../../src/mls-guard/refusal.ts";
import { readTree } from "../../../src/mls-guard/tree.ts";
import {
  commitEntry,
  decodeCommit,
  encodeCommit,
  entryAs,
  forgeCommit,
  messageIdIn,
  standaloneProposal,
  withProposals,
} from "./support/forge.ts";
import {
  document,
  externalJoin,
  invite,
  type Log,
  type Member,
  newDevice,
  newGroup,
  nowMs,
  openJudge,
  pick,
  publish,
  value,
} from "./support/world.ts";

const remove = (removed: number): Proposal => ({ proposalType: "remove", remove: { removed } });

/** What the Conversation says of the same bytes. */
function atServer(log: Log, bytes: Uint8Array): string {
  const { conversationId, epoch } = log;
  const inspected = inspectCommit(bytes, { conversationId, generation: 0, epoch, suite: "x25519" });
  return "refused" in inspected ? inspected.refused : "accepted";
}

async function externalCommitRemoving(log: Log, member: Member, leaf: number) {
  const joiner = await newDevice();
  const pending = value(await externalJoin(log, { device: joiner }));
  const bytes = await withProposals(pending.bytes, [remove(leaf)], joiner, member.group);
  return entryAs(commitEntry(member, bytes, messageIdIn(bytes)), { sender: joiner.ref });
}

describe("guard 1: an external commit with a Remove out of range", () => {
  test.each([
    [0x3fff_ffff, "forbidden_proposal", "forbidden_proposal"],
    [mlsBounds.leavesMax, "forbidden_proposal", "forbidden_proposal"],
    // In range for some group; only members know this one's tree.
    [1_500, "unknown_leaf", "accepted"],
    [3, "unknown_leaf", "accepted"],
  ])("leaf %i", async (leaf, atMember, atConversation) => {
    const { log, members } = await newGroup(3);
    const entry = await externalCommitRemoving(log, pick(members, 0), leaf);
    expect((await pick(members, 0).acceptance(entry)).failure).toBe(atMember);
    expect(atServer(log, entry.bytes)).toBe(atConversation);
  });
});

test("guard 2: a joiner cannot remove another user's leaf", async () => {
  const { log, members } = await newGroup(3);
  const entry = await externalCommitRemoving(log, pick(members, 0), 1);
  expect((await pick(members, 0).acceptance(entry)).failure).toBe("removes_other_user");
});

describe("guard 3: unmerged leaves that are not there", () => {
  test.each([
    ["out of range", [0x7fff_ffff]],
    ["beyond the tree", [9]],
    ["twice", [1, 1]],
    ["out of order", [2, 1]],
  ])("%s", async (_, unmergedLeaves) => {
    const { log, members } = await newGroup(4);
    const tree = pick(members, 0).group.state.ratchetTree.slice();
    const root = tree[3];
    if (root?.nodeType !== "parent") throw new Error("the root should be filled");
    tree[3] = { ...root, parent: { ...root.parent, unmergedLeaves } };
    const bytes = encodeRatchetTree(tree);
    expect(() => readTree(bytes)).toThrow("unmerged_leaves");
    const from = { ...log.newest, tree: bytes };
    expect((await externalJoin(log, { device: await newDevice(), from })).failure).toBe("unmerged_leaves");
  });

  test("a blank leaf", async () => {
    const { members } = await newGroup(4);
    const tree = pick(members, 0).group.state.ratchetTree.slice();
    const root = tree[3];
    if (root?.nodeType !== "parent") throw new Error("the root should be filled");
    tree[2] = undefined;
    tree[3] = { ...root, parent: { ...root.parent, unmergedLeaves: [1] } };
    expect(() => readTree(encodeRatchetTree(tree))).toThrow("unmerged_leaves");
  });

  test("a leaf that is not below the node", async () => {
    const { members } = await newGroup(4);
    const tree = pick(members, 0).group.state.ratchetTree.slice();
    const node = tree[1];
    if (node?.nodeType !== "parent") throw new Error("node 1 should be filled");
    tree[1] = { ...node, parent: { ...node.parent, unmergedLeaves: [2] } };
    expect(() => readTree(encodeRatchetTree(tree))).toThrow("unmerged_leaves");
  });
});

test("guard 4: taking the place of a leaf that is not there ends at once", async () => {
  const { log, members } = await newGroup(2);
  const userId = pick(members, 0).ref.user_id;
  const device = await newDevice(userId, 2);
  const replaces = { user_id: userId, device_id: 9 };
  expect((await externalJoin(log, { device, replaces })).failure).toBe("nothing_to_replace");
});

describe("guard 5: standalone proposals", () => {
  test("in the clear", async () => {
    const { log, members } = await newGroup(3);
    const [alice, bob] = [pick(members, 0), pick(members, 1)];
    const bytes = await standaloneProposal(alice, true);
    expect((await bob.acceptance(commitEntry(alice, bytes))).failure).toBe("forbidden_proposal");
    expect(atServer(log, bytes)).toBe("forbidden_proposal");
  });
  test("encrypted, as a message", async () => {
    const { members } = await newGroup(3);
    const [alice, bob] = [pick(members, 0), pick(members, 1)];
    const bytes = await standaloneProposal(alice, false);
    const place = bob.place(commitEntry(alice, bytes));
    const received = await receiveMessage(bob.group, bytes, { place, stateHash: stateHash(document) });
    expect(received.failure).toBe("wrong_wire_format");
  });
});

describe("guard 6: a path always", () => {
  test("an Add without one", async () => {
    const { log, members } = await newGroup(2);
    const { claimed } = await invite(await newDevice(), "group");
    const add: Proposal = { proposalType: "add", add: { keyPackage: claimed.keyPackage } };
    const { entry, bytes } = await forgeCommit(pick(members, 0), [add], { forceUpdatePath: false });
    expect((await pick(members, 1).acceptance(entry)).failure).toBe("no_path");
    expect(atServer(log, bytes)).toBe("no_path");
  });
  test("nothing but group context extensions", async () => {
    const { log, members } = await newGroup(2);
    const extensions: Proposal = {
      proposalType: "group_context_extensions",
      groupContextExtensions: { extensions: [] },
    };
    const { entry, bytes } = await forgeCommit(pick(members, 0), [extensions], { forceUpdatePath: false });
    expect((await pick(members, 1).acceptance(entry)).failure).toBe("forbidden_proposal");
    expect(atServer(log, bytes)).toBe("forbidden_proposal");
  });
});

describe("[E11] proposals that do not exist here", () => {
  const nonce = new Uint8Array(32);
  const forbidden: [string, Proposal][] = [
    [
      "ReInit",
      {
        proposalType: "reinit",
        reinit: {
          groupId: nonce,
          version: "mls10",
          cipherSuite: "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
          extensions: [],
        },
      },
    ],
    ["a custom one", { proposalType: 0xf000, proposalData: nonce }],
  ];
  test.each(forbidden)("%s", async (_, proposal) => {
    const { log, members } = await newGroup(2);
    const { entry, bytes } = await forgeCommit(pick(members, 0), [proposal]);
    expect((await pick(members, 1).acceptance(entry)).failure).toBe("forbidden_proposal");
    expect(atServer(log, bytes)).toBe("forbidden_proposal");
  });

  test("PSK", async () => {
    const { log, members } = await newGroup(2);
    const alice = pick(members, 0);
    const preSharedKeyId = { psktype: "external" as const, pskId: nonce, pskNonce: nonce };
    const suite = await implementationOf("x25519");
    const { commit } = await createCommit(
      { state: alice.group.state, cipherSuite: suite, pskIndex: { findPsk: () => nonce } },
      { wireAsPublicMessage: true, extraProposals: [{ proposalType: "psk", psk: { preSharedKeyId } }] },
    );
    const bytes = encodeMlsMessage(commit);
    expect((await pick(members, 1).acceptance(commitEntry(alice, bytes))).failure).toBe("forbidden_proposal");
    expect(atServer(log, bytes)).toBe("forbidden_proposal");
  });

  test("by reference", async () => {
    const { log, members } = await newGroup(3);
    const alice = pick(members, 0);
    const { unappliedProposals } = {
      unappliedProposals: { AAAA: { proposal: remove(2), senderLeafIndex: 1 } },
    };
    const { entry, bytes } = await forgeCommit(alice, [], {
      state: { ...alice.group.state, unappliedProposals },
    });
    expect((await pick(members, 1).acceptance(entry)).failure).toBe("by_reference");
    expect(atServer(log, bytes)).toBe("by_reference");
  });

  test("an external init by a member, an Add by a joiner, two Removes by a joiner", async () => {
    const { log, members } = await newGroup(3);
    const alice = pick(members, 0);
    const joiner = await newDevice();
    const pending = value(await externalJoin(log, { device: joiner }));
    const { claimed } = await invite(await newDevice(), "group");
    const add: Proposal = { proposalType: "add", add: { keyPackage: claimed.keyPackage } };
    for (const proposals of [[add], [remove(0), remove(1)]]) {
      expect(atServer(log, await withProposals(pending.bytes, proposals, joiner, alice.group))).toBe(
        "forbidden_proposal",
      );
    }
    const external = decodeCommit(pending.bytes);
    const sender = { senderType: "member" as const, leafIndex: 0 };
    const content = { ...external.content, sender };
    const membershipTag = new Uint8Array(32);
    const asMember = encodeCommit({ content, auth: external.auth, senderType: "member", membershipTag });
    expect(atServer(log, asMember)).toBe("forbidden_proposal");
  });
});

test("a commit in a PrivateMessage is refused on both sides", async () => {
  const { log, members } = await newGroup(2);
  const { entry, bytes } = await forgeCommit(pick(members, 0), [], { wireAsPublicMessage: false });
  expect((await pick(members, 1).acceptance(entry)).failure).toBe("wrong_wire_format");
  expect(atServer(log, bytes)).toBe("wrong_wire_format");
});

describe("[E11] leaves that are not like everybody's", () => {
  test.each([
    ["more capabilities", { capabilities: { extensions: [10, 11] } }],
    [
      "fewer suites",
      { capabilities: { ciphersuites: ["MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519"] } },
    ],
    ["an extension", { extensions: [{ extensionType: 10, extensionData: new Uint8Array() }] }],
    ["another credential form", { credential: { credentialType: "basic", identity: new Uint8Array(3) } }],
  ])("a path with %s", async (_, change) => {
    const { log, members } = await newGroup(2);
    const alice = pick(members, 0);
    const { entry, bytes } = await forgeCommit(alice, [], { state: withOwnLeaf(alice, change) });
    expect((await pick(members, 1).acceptance(entry)).failure).toBe("leaf_policy");
    expect(atServer(log, bytes)).toBe("leaf_policy");
  });

  test("a path that takes another identity", async () => {
    const { log, members } = await newGroup(2);
    const alice = pick(members, 0);
    const other = await newDevice();
    const change = { credential: { credentialType: "basic", identity: other.credential } };
    const { entry } = await forgeCommit(alice, [], { state: withOwnLeaf(alice, change) });
    const asOther = entryAs(entry, { sender: other.ref });
    expect((await pick(members, 1).acceptance(asOther)).failure).toBe("changed_identity");
    expect(log.epoch).toBe(1);
  });

  test("a path that takes another signature key", async () => {
    const { members } = await newGroup(2);
    const alice = pick(members, 0);
    const other = await newDevice();
    const state = withOwnLeaf(alice, { signaturePublicKey: other.leafKey.publicKey });
    const { entry } = await forgeCommit(alice, [], { state });
    expect((await pick(members, 1).acceptance(entry)).failure).toBe("changed_identity");
  });
});

function withOwnLeaf(member: Member, change: Record<string, unknown>) {
  const { state } = member.group;
  const ratchetTree = state.ratchetTree.slice();
  const node = ratchetTree[2 * state.privatePath.leafIndex];
  if (node?.nodeType !== "leaf") throw new Error("no leaf");
  const capabilities = { ...node.leaf.capabilities, ...(change.capabilities as object | undefined) };
  ratchetTree[2 * state.privatePath.leafIndex] = { ...node, leaf: { ...node.leaf, ...change, capabilities } };
  return { ...state, ratchetTree };
}

describe("[E5] one leaf for a device, keys once", () => {
  test("a device that is in already cannot be added", async () => {
    const { members } = await newGroup(3);
    const [alice, bob] = [pick(members, 0), pick(members, 1)];
    const { claimed } = await invite(pick(members, 2).device, "group");
    expect((await alice.commit({ add: [claimed] })).failure).toBe("duplicate_leaf");
    // The library compares signature keys; a device with a new one is what it lets through.
    const twin = await newDevice(pick(members, 2).ref.user_id, 1);
    const add: Proposal = {
      proposalType: "add",
      add: { keyPackage: (await invite(twin, "group")).claimed.keyPackage },
    };
    const { entry } = await forgeCommit(alice, [add]);
    expect((await bob.acceptance(entry)).failure).toBe("duplicate_leaf");
  });

  test("one device twice in a commit, one leaf removed twice", async () => {
    const { log, members } = await newGroup(3);
    const device = await newDevice();
    const twice = [
      await invite(device, "group"),
      await invite(await newDevice(device.ref.user_id, 1), "group"),
    ];
    const adds = twice.map(
      ({ claimed }): Proposal => ({ proposalType: "add", add: { keyPackage: claimed.keyPackage } }),
    );
    const { bytes } = await forgeCommit(pick(members, 0), adds);
    expect(atServer(log, bytes)).toBe("forbidden_proposal");
  });

  test("a leaf that brings somebody's encryption key would make the tree impossible to join", async () => {
    const { members } = await newGroup(3);
    const alice = pick(members, 0);
    const bobLeaf = alice.group.state.ratchetTree[2];
    const { claimed } = await invite(await newDevice(), "group");
    const key = bobLeaf?.nodeType === "leaf" ? bobLeaf.leaf.hpkePublicKey : new Uint8Array();
    const leafNode = { ...claimed.keyPackage.leafNode, hpkePublicKey: key };
    const bytes = (await forgeCommit(alice, [])).bytes;
    const message = decodeCommit(bytes);
    if (message.content.contentType !== "commit") throw new Error("not a commit");
    const proposal: Proposal = {
      proposalType: "add",
      add: { keyPackage: { ...claimed.keyPackage, leafNode } },
    };
    const proposals = [{ proposalOrRefType: "proposal" as const, proposal }];
    const content = { ...message.content, commit: { ...message.content.commit, proposals } };
    const forged = encodeCommit({ ...message, content });
    const entry = commitEntry(alice, forged, messageIdIn(forged));
    expect((await pick(members, 1).acceptance(entry)).failure).toBe("duplicate_leaf");
  });
});

test("a commit of another group, epoch or suite is refused on both sides", async () => {
  const { log, members } = await newGroup(2);
  const other = await newGroup(2);
  const pending = value(await pick(other.members, 0).commit());
  expect(atServer(log, pending.bytes)).toBe("wrong_group");
  const own = value(await pick(members, 0).commit());
  publish(log, own, pick(members, 0).ref);
  expect(atServer(log, own.bytes)).toBe("wrong_epoch");
});

describe("sizes and forms", () => {
  test("anything too large is refused before it is read", () => {
    expect(() => readTree(new Uint8Array(mlsBounds.treeBytesMax + 1))).toThrow("too_large");
    expect(() => readWelcome(new Uint8Array(mlsBounds.welcomeBytesMax + 1))).toThrow("too_large");
    expect(() => readGroupInfo(new Uint8Array(mlsBounds.groupInfoBytesMax + 1))).toThrow("too_large");
  });

  test("a length has one form, and nothing follows the end", () => {
    expect(() => new Reader(new Uint8Array([0x40, 0x01, 7])).vector(9)).toThrow("malformed");
    expect(() => new Reader(new Uint8Array([0x80, 0, 0, 1, 7])).vector(9)).toThrow("malformed");
    expect(() => new Reader(new Uint8Array([0xc0])).vector(9)).toThrow("malformed");
    expect(() => new Reader(new Uint8Array([2, 7])).vector(9)).toThrow("malformed");
    expect(new Reader(new Uint8Array([1, 7])).vector(9)).toEqual(new Uint8Array([7]));
  });

  test("GroupInfo belongs to the epoch that its commit leads to", async () => {
    const { log } = await newGroup(2);
    const expected = { conversationId: log.conversationId, generation: 0, suite: "x25519" as const };
    expect(checkGroupInfo(log.newest.groupInfo, { ...expected, epoch: 1 }).signer).toBe(0);
    expect(() => checkGroupInfo(log.newest.groupInfo, { ...expected, epoch: 2 })).toThrow("wrong_epoch");
    expect(() => checkGroupInfo(log.newest.groupInfo, { ...expected, epoch: 1, generation: 1 })).toThrow(
      "wrong_group",
    );
  });

  test("damaged bytes are refused with a code, whatever they are", async () => {
    const { log, members } = await newGroup(5);
    const [alice, bob] = [pick(members, 0), pick(members, 1)];
    const { bytes } = value(await alice.commit({ remove: [pick(members, 4).ref] }));
    const { tree, groupInfo, welcome } = log.newest;
    const { own } = await invite(await newDevice(), "group");
    const damage = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.option(fc.nat(), { freq: 3 }) });
    const damaged = (
      whole: Uint8Array,
      { at, byte, cut }: { at: number; byte: number; cut: number | null },
    ) => {
      const copy = whole.slice(0, cut === null ? whole.length : cut % whole.length);
      if (copy.length > 0) copy[at % copy.length] = byte;
      return copy;
    };
    await fc.assert(
      fc.asyncProperty(damage, async (how) => {
        const commit = damaged(bytes, how);
        atServer(log, commit);
        if (!commit.every((byte, index) => byte === bytes[index]) || commit.length < bytes.length) {
          expect(
            (await bob.acceptance(commitEntry(alice, commit, messageIdIn(bytes)))).failure,
          ).not.toBeNull();
        }
        for (const [read, whole] of [
          [readTree, tree],
          [readGroupInfo, groupInfo],
          [readWelcome, welcome],
        ] as const) {
          try {
            read(damaged(whole ?? bytes, how));
          } catch (error) {
            expect(error).toBeInstanceOf(Refusal);
          }
        }
        const expected = { userId: "", suite: "x25519" as const, nowMs, judge: openJudge };
        expect((await checkClaimed(damaged(own.bytes, how), expected)).failure).not.toBeNull();
      }),
      { numRuns: 300 },
    );
  });

  test("a tree reads as the library reads it", async () => {
    const { log } = await newGroup(6);
    const decoded = decodeRatchetTree(log.newest.tree, 0)?.[0] ?? [];
    const leaves = decoded.flatMap((node) => (node?.nodeType === "leaf" ? [node.leaf.hpkePublicKey] : []));
    const read = readTree(log.newest.tree).leaves.flatMap((leaf) =>
      leaf === null ? [] : [leaf.encryptionKey],
    );
    expect(read).toEqual(leaves);
  });
});
