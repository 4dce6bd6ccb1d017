// Each repair of patches/ts-mls+1.6.4.patch, by what goes wrong without it. Red here means the patch is not applied.
import { type CiphersuiteImpl, decodeMlsMessage, joinGroupExternal, type RatchetTree } from "ts-mls";
import { nextEpochContext, validateRatchetTree } from "ts-mls/clientState.js";
import { uint16Encoder } from "ts-mls/codec/number.js";
import { encode } from "ts-mls/codec/tlsEncoder.js";
import { decodeVarLenData, varLenTypeEncoder } from "ts-mls/codec/variableLength.js";
import { initializeEpoch } from "ts-mls/keySchedule.js";
import { verifyParentHashes } from "ts-mls/parentHash.js";
import { decodeRatchetTree, encodeRatchetTree } from "ts-mls/ratchetTree.js";
import { describe, expect, test } from "vitest";
import { type Group, libraryConfig } from "../../../src/client/mls/group.ts";
import { decodeGroupInfo } from "../../../src/client/mls/group-info.ts";
import { decodeKeyPackage, privateKeysOf } from "../../../src/client/mls/key-packages.ts";
import { implementationOf } from "../../../src/client/mls/suites.ts";
import { readCommit } from "../../../src/mls-guard/commit.ts";
import {
  invite,
  joinedFrom,
  type Log,
  type Member,
  newDevice,
  newGroup,
  pick,
  value,
} from "./support/world.ts";

/** Leaf 5 is new below a node that leaf 6 has filled, and the root is filled by leaf 0 after it. */
async function groupWithUnmergedLeaf(): Promise<{ log: Log; members: Member[]; join(): Promise<Member> }> {
  const { log, members } = await newGroup(8);
  const everybody = new Set(members);
  const commit = async (by: Member, change: Parameters<Member["commit"]>[0]) => {
    const entry = await by.publish(value(await by.commit(change)));
    for (const member of everybody) {
      if (member !== by && (await member.accept(entry)) === "removed") everybody.delete(member);
    }
    return entry;
  };
  await commit(pick(members, 0), { remove: [pick(members, 5).ref] });
  await commit(pick(members, 6), {});
  const device = await newDevice();
  const { own, claimed } = await invite(device, "group");
  const entry = await commit(pick(members, 0), { add: [claimed] });
  return { log, members, join: () => joinedFrom(log, device, own, entry) };
}

describe("repair 1: unmerged leaves", () => {
  test("a tree in which a node below the root lists a leaf, and the root does not, is valid", async () => {
    const { members, join } = await groupWithUnmergedLeaf();
    const joined = await join();
    const node = joined.group.state.ratchetTree[11];
    expect(node?.nodeType === "parent" ? node.parent.unmergedLeaves : null).toEqual([5]);
    expect(await pick(members, 0).read(await joined.send("hello"))).toBe("hello");
  });

  test.each([
    ["a leaf that is not below the node", [0]],
    ["a blank leaf", [5]],
  ])("%s is refused", async (_, unmergedLeaves) => {
    const { members } = await groupWithUnmergedLeaf();
    const { group } = pick(members, 0);
    const tree = group.state.ratchetTree.slice();
    const node = tree[11];
    if (node?.nodeType !== "parent") throw new Error("node 11 should be filled");
    tree[11] = { ...node, parent: { ...node.parent, unmergedLeaves } };
    if (unmergedLeaves.includes(5)) tree[10] = undefined;
    expect((await validated(tree, group))?.message).toContain("non-blank descendant");
  });
});

async function validated(tree: RatchetTree, group: Group): Promise<Error | undefined> {
  const { groupContext } = group.state;
  const { lifetimeConfig, authService } = libraryConfig;
  const suite = await implementationOf(group.suite);
  return await validateRatchetTree(
    tree,
    groupContext,
    lifetimeConfig,
    authService,
    groupContext.treeHash,
    suite,
  );
}

describe("repair 2: external_pub", () => {
  test("it is an opaque<V> inside the extension", async () => {
    const { log } = await newGroup(2);
    const [extension] = decodeGroupInfo(log.newest.groupInfo).extensions;
    const data = extension?.extensionData ?? new Uint8Array();
    expect(data).toHaveLength(33);
    expect(decodeVarLenData(data, 0)?.[1]).toBe(33);
  });

  test("a bare key is refused", async () => {
    const { log } = await newGroup(2);
    const info = decodeGroupInfo(log.newest.groupInfo);
    const bare = info.extensions.map((extension) => ({
      ...extension,
      extensionData: extension.extensionData.slice(1),
    }));
    const device = await newDevice();
    const { own } = await invite(device, "group");
    const join = joinGroupExternal(
      { ...info, extensions: bare },
      decodeKeyPackage(own.bytes),
      privateKeysOf(own, device),
      false,
      await implementationOf("x25519"),
      decodeRatchetTree(log.newest.tree, 0)?.[0],
      libraryConfig,
    );
    await expect(join).rejects.toThrow(/external_pub|length/i);
  });
});

test("repair 3: a vector of 100,000 items is encoded without overflowing the stack", () => {
  const numbers = Array.from({ length: 100_000 }, (_, index) => index & 0xffff);
  expect(encode(varLenTypeEncoder(uint16Encoder))(numbers)).toHaveLength(4 + 200_000);
});

test("repair 3: a tree of 6,000 leaves is encoded", async () => {
  const { members } = await newGroup(2);
  const leaf = pick(members, 0).group.state.ratchetTree[0];
  const tree: RatchetTree = Array.from({ length: 11_999 }, (_, index) =>
    index % 2 === 0 ? leaf : undefined,
  );
  expect(encodeRatchetTree(tree).length).toBeGreaterThan(6_000 * 200);
});

test("repair 4: a join computes each parent hash once, not once for every leaf below", async () => {
  const { members } = await newGroup(32);
  const founder = pick(members, 0);
  for (const committer of members.slice(0, 8)) {
    const entry = await committer.publish(value(await committer.commit()));
    for (const member of members) if (member !== committer) await member.accept(entry);
  }
  const suite = await implementationOf("x25519");
  let digests = 0;
  const counting: CiphersuiteImpl["hash"] = {
    ...suite.hash,
    async digest(data) {
      digests += 1;
      return await suite.hash.digest(data);
    },
  };
  const tree = founder.group.state.ratchetTree;
  expect(await verifyParentHashes(tree, counting)).toBe(true);
  // 144 with the repair, 736 without it: the tree's shape alone decides.
  expect(digests).toBeLessThan(200);
});

test("addition 5: a commit that only adds carries a path", async () => {
  const { members } = await newGroup(3);
  const { claimed } = await invite(await newDevice(), "group");
  const { bytes } = value(await pick(members, 0).commit({ add: [claimed] }));
  expect(readCommit(bytes).path.nodeKeys.length).toBeGreaterThan(0);
});

test("repair 6: who is removed by the last other member cannot follow into the lonely epoch", async () => {
  const { members } = await newGroup(2);
  const [alice, bob] = [pick(members, 0), pick(members, 1)];
  const pending = value(await alice.commit({ remove: [bob.ref] }));
  await alice.publish(pending);
  const guessed = await lonelyEpochOf(bob.group, pending.bytes, alice.group);
  expect(guessed.exporterSecret).not.toEqual(alice.group.state.keySchedule.exporterSecret);
});

/** What Bob can compute: his own init secret, the public group context, and a commit secret of zeros. */
async function lonelyEpochOf(old: Group, commit: Uint8Array, now: Group) {
  const suite = await implementationOf(old.suite);
  const message = decodeMlsMessage(commit, 0)?.[0];
  if (message?.wireformat !== "mls_public_message") throw new Error("not a commit");
  const { content, auth } = message.publicMessage;
  if (content.contentType !== "commit" || auth.contentType !== "commit") throw new Error("not a commit");
  const { treeHash } = now.state.groupContext;
  const { signature } = auth;
  const { groupContext, confirmationTag, keySchedule } = old.state;
  const context = await nextEpochContext(
    groupContext,
    "mls_public_message",
    content,
    signature,
    treeHash,
    confirmationTag,
    suite.hash,
  );
  expect(context).toEqual(now.state.groupContext);
  const zeros = new Uint8Array(suite.kdf.size);
  return (await initializeEpoch(keySchedule.initSecret, zeros, context, zeros, suite.kdf)).keySchedule;
}
