/**
 * Bounds of everything MLS, units last. Each is asked before a byte is decoded: the library has none of its own, and
 * 540 bytes are enough to make it fill the memory.
 */
import { limits } from "../protocol/limits.ts";

const leavesMax = limits.leavesPerGroupMax;

export const mlsBounds = {
  /** [E17] */
  leavesMax,
  treeNodesMax: 2 * leavesMax - 1,
  /** A path is as long as the tree is high. */
  pathNodesMax: Math.log2(leavesMax) + 1,
  addsPerCommitMax: limits.devicesPerCommitMax,
  proposalsPerCommitMax: limits.devicesPerCommitMax + leavesMax,

  /** 295 bytes and the credential, with X-Wing 2,665. */
  keyPackageBytesMax: 4 * 1024,
  /** 2,048 leaves without any parent: a ciphertext of 82 bytes for each, and 64 key packages. */
  commitBytesMax: 512 * 1024,
  welcomeBytesMax: 256 * 1024,
  /** Without a tree, which lies beside it. */
  groupInfoBytesMax: 4 * 1024,
  /** 2,048 leaves of 320 bytes, as many parents, every leaf unmerged on each level. */
  treeBytesMax: 2 * 1024 * 1024,
  messageBytesMax: limits.envelopeBytesMax,
  /** Roles, name, picture: sealed and padded. */
  sealedStateBytesMax: 2 * 1024 * 1024,
  keyBytesMax: 1_568,
  signatureBytesMax: 64,
} as const;

const relations: readonly [boolean, string][] = [
  [mlsBounds.messageBytesMax >= 64 * 1024 + 1_024, "64 KiB of padded content fit into a message"],
  [
    mlsBounds.addsPerCommitMax * mlsBounds.keyPackageBytesMax <= mlsBounds.commitBytesMax,
    "adds fit into a commit",
  ],
];
for (const [holds, what] of relations) {
  if (!holds) throw new Error(`MLS bounds contradict each other: ${what} no longer holds`);
}
