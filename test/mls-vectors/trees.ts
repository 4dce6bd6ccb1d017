/** tree-operations, tree-validation, treekem. */
import { strict as assert } from "node:assert";
import type { CiphersuiteImpl, GroupContext, Proposal, RatchetTree } from "ts-mls";
import { applyUpdatePathSecret } from "ts-mls/createCommit.js";
import { deriveSecret } from "ts-mls/crypto/kdf.js";
import { verifyLeafNodeSignature } from "ts-mls/leafNode.js";
import { verifyParentHashes } from "ts-mls/parentHash.js";
import { getCommitSecret, pathToPathSecrets } from "ts-mls/pathSecrets.js";
import { mergePrivateKeyPaths, type PrivateKeyPath, toPrivateKeyPath } from "ts-mls/privateKeyPath.js";
import { decodeProposal } from "ts-mls/proposal.js";
import {
  addLeafNode,
  decodeRatchetTree,
  encodeRatchetTree,
  removeLeafNode,
  resolution,
  updateLeafNode,
} from "ts-mls/ratchetTree.js";
import { treeHash, treeHashRoot } from "ts-mls/treeHash.js";
import { toLeafIndex, toNodeIndex } from "ts-mls/treemath.js";
import { applyUpdatePath, createUpdatePath, decodeUpdatePath, type UpdatePath } from "ts-mls/updatePath.js";
import { fromHex, same, type Vector, whole } from "./vector.ts";

function treeIn(vector: Vector, name: string): RatchetTree {
  const bytes = vector.bytes(name);
  return whole(decodeRatchetTree(bytes, 0), bytes);
}

export async function treeOperations(vector: Vector): Promise<void> {
  const { hash } = await vector.suite();
  const before = treeIn(vector, "tree_before");
  same(await treeHashRoot(before, hash), vector.bytes("tree_hash_before"), "tree hash before");
  const bytes = vector.bytes("proposal");
  const proposal = whole(decodeProposal(bytes, 0), bytes);
  const after = applied(before, proposal, vector.number("proposal_sender"));
  same(encodeRatchetTree(after), vector.bytes("tree_after"), "tree after");
  same(await treeHashRoot(after, hash), vector.bytes("tree_hash_after"), "tree hash after");
}

function applied(tree: RatchetTree, proposal: Proposal, sender: number): RatchetTree {
  if ("add" in proposal) return addLeafNode(tree, proposal.add.keyPackage.leafNode)[0];
  if ("update" in proposal) return updateLeafNode(tree, proposal.update.leafNode, toLeafIndex(sender));
  assert("remove" in proposal, "add, update or remove");
  return removeLeafNode(tree, toLeafIndex(proposal.remove.removed));
}

export async function treeValidation(vector: Vector): Promise<void> {
  const suite = await vector.suite();
  const tree = treeIn(vector, "tree");
  for (const [index, expected] of vector.list("resolutions").entries()) {
    assert.deepEqual(resolution(tree, toNodeIndex(index)), expected, `resolution of ${index}`);
  }
  for (const [index, expected] of vector.list("tree_hashes").entries()) {
    same(await treeHash(tree, toNodeIndex(index), suite.hash), fromHex(expected), `tree hash of ${index}`);
  }
  assert(await verifyParentHashes(tree, suite.hash), "parent hashes");
  const groupId = vector.bytes("group_id");
  for (const [index, node] of tree.entries()) {
    if (node?.nodeType !== "leaf") continue;
    assert(
      await verifyLeafNodeSignature(node.leaf, groupId, index / 2, suite.signature),
      `leaf ${index / 2}`,
    );
  }
}

interface PrivateLeaf {
  index: number;
  path: PrivateKeyPath;
  signatureKey: Uint8Array;
}

export async function treekem(vector: Vector): Promise<void> {
  const suite = await vector.suite();
  const tree = treeIn(vector, "ratchet_tree");
  const leaves = await Promise.all(vector.vectors("leaves_private").map((leaf) => privateLeaf(leaf, suite)));
  for (const given of vector.vectors("update_paths")) {
    const sender = given.number("sender");
    const bytes = given.bytes("update_path");
    const path = whole(decodeUpdatePath(bytes, 0), bytes);
    const context = contextOf(vector, suite, given.bytes("tree_hash_after"));
    const after = await applyUpdatePath(tree, toLeafIndex(sender), path, suite.hash);
    same(await treeHashRoot(after, suite.hash), context.treeHash, "tree hash after");
    for (const leaf of leaves.filter(({ index }) => index !== sender)) {
      const secret = await received(after, leaf, sender, context, path, suite);
      const expected = given.list("path_secrets")[leaf.index];
      same(secret.pathSecret, fromHex(expected), `path secret of leaf ${leaf.index}`);
      same(await commitSecretOf(after, secret, suite), given.bytes("commit_secret"), "commit secret");
    }
    await makePath(vector, tree, leaves, sender, suite);
  }
}

async function privateLeaf(vector: Vector, suite: CiphersuiteImpl): Promise<PrivateLeaf> {
  const index = vector.number("index");
  const secrets = vector.vectors("path_secrets").map((secret) => ({
    nodeIndex: secret.number("node"),
    secret: secret.bytes("path_secret"),
    sendTo: [],
  }));
  const own = { leafIndex: index, privateKeys: { [2 * index]: vector.bytes("encryption_priv") } };
  const path = mergePrivateKeyPaths(await toPrivateKeyPath(pathToPathSecrets(secrets), index, suite), own);
  return { index, path, signatureKey: vector.bytes("signature_priv") };
}

function contextOf(vector: Vector, suite: CiphersuiteImpl, treeHashAfter: Uint8Array): GroupContext {
  return {
    version: "mls10",
    cipherSuite: suite.name,
    groupId: vector.bytes("group_id"),
    epoch: BigInt(vector.number("epoch")),
    treeHash: treeHashAfter,
    confirmedTranscriptHash: vector.bytes("confirmed_transcript_hash"),
    extensions: [],
  };
}

type Received = Awaited<ReturnType<typeof applyUpdatePathSecret>>;

function received(
  tree: RatchetTree,
  leaf: PrivateLeaf,
  sender: number,
  context: GroupContext,
  path: UpdatePath,
  suite: CiphersuiteImpl,
): Promise<Received> {
  return applyUpdatePathSecret(tree, leaf.path, toLeafIndex(sender), context, path, [], suite);
}

function commitSecretOf(tree: RatchetTree, { nodeIndex, pathSecret }: Received, suite: CiphersuiteImpl) {
  return getCommitSecret(tree, nodeIndex, pathSecret, suite.kdf);
}

/** A path of our own making: every other leaf gets the same commit secret out of it. */
async function makePath(
  vector: Vector,
  tree: RatchetTree,
  leaves: readonly PrivateLeaf[],
  sender: number,
  suite: CiphersuiteImpl,
): Promise<void> {
  const signatureKey = leaves.find(({ index }) => index === sender)?.signatureKey;
  assert(signatureKey !== undefined, "the sender's key");
  const before = contextOf(vector, suite, await treeHashRoot(tree, suite.hash));
  const [after, path, secrets] = await createUpdatePath(
    tree,
    toLeafIndex(sender),
    before,
    signatureKey,
    suite,
  );
  const applied = await applyUpdatePath(tree, toLeafIndex(sender), path, suite.hash);
  same(encodeRatchetTree(applied), encodeRatchetTree(after), "tree after a path of our own");
  const rootSecret = secrets.at(-1)?.secret;
  if (rootSecret === undefined) return;
  const commitSecret = await deriveSecret(rootSecret, "path", suite.kdf);
  const context = { ...before, treeHash: await treeHashRoot(after, suite.hash), epoch: before.epoch + 1n };
  for (const leaf of leaves.filter(({ index }) => index !== sender)) {
    const secret = await received(after, leaf, sender, context, path, suite);
    same(await commitSecretOf(after, secret, suite), commitSecret, "commit secret of a path of our own");
  }
}
