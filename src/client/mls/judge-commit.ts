/**
 * [E4] [E11] What a member asks of a commit against the group's tree, after src/mls-guard asked what needs none and
 * before the library sees it. The library itself would follow an out-of-range Remove until memory ends, let a joiner
 * remove anybody, and never compares a new leaf's keys with those in the tree.
 */
import { hex } from "@scure/base";
import { isEqual } from "../../mls-guard/bytes.ts";
import type { CommitView } from "../../mls-guard/commit.ts";
import { addedBy, committerOf } from "../../mls-guard/commit-rules.ts";
import type { LeafView } from "../../mls-guard/leaf.ts";
import { type DeviceRef, deviceKey } from "../../protocol/ids.ts";
import { fail } from "./failures.ts";
import { type Group, type GroupLeaf, leafAt, leavesOf } from "./group.ts";
import { type CommitChange, holdsCertificate, identityOf, type Judge } from "./identity.ts";
import { leafLimits } from "./leaf-limits.ts";
import { checkOnlyTwoUsers } from "./two-users.ts";

/** Throws a Refusal; gives what the commit changes. */
export async function judgeCommit(group: Group, commit: CommitView, judge: Judge): Promise<CommitChange> {
  const removed = commit.removes.map((index) => leafAt(group, index) ?? fail("unknown_leaf"));
  const change: CommitChange = {
    committer: committerOf(commit),
    added: addedBy(commit),
    removed: removed.map((leaf) => leaf.device),
    isJoin: commit.senderLeaf === null,
  };
  if (commit.senderLeaf === null) checkJoiner(commit, removed);
  else checkMember(group, commit, commit.senderLeaf);
  checkNewLeaves(group, commit, removed);
  if (group.kind === "direct") await checkOnlyTwoUsers(group.conversationId, usersWith(group, change));
  await askJudge(commit, change, judge);
  return change;
}

function usersWith(group: Group, { added, committer }: CommitChange): DeviceRef[] {
  return [...leavesOf(group).map((leaf) => leaf.device), ...added, committer];
}

function checkMember(group: Group, commit: CommitView, senderLeaf: number): void {
  const sender = leafAt(group, senderLeaf) ?? fail("unknown_leaf");
  if (!isSameIdentity(sender, commit.path.leaf)) fail("changed_identity");
}

function checkJoiner(commit: CommitView, removed: readonly GroupLeaf[]): void {
  const userId = committerOf(commit).user_id;
  if (removed.some((leaf) => leaf.device.user_id !== userId)) fail("removes_other_user");
  // [E4] A device that comes back has kept its keys; under another key it is another device, which cannot take its place.
  const own = removed.find((leaf) => deviceKey(leaf.device) === deviceKey(committerOf(commit)));
  if (own !== undefined && !isSameIdentity(own, commit.path.leaf)) fail("changed_identity");
}

function isSameIdentity({ node: { credential, signaturePublicKey } }: GroupLeaf, leaf: LeafView): boolean {
  return (
    credential.credentialType === "basic" &&
    isEqual(credential.identity, leaf.credentialBytes) &&
    isEqual(signaturePublicKey, leaf.signatureKey)
  );
}

/** Whoever comes in has no leaf yet, no key of anybody's, and a place. */
function checkNewLeaves(group: Group, commit: CommitView, removed: readonly GroupLeaf[]): void {
  const gone = new Set(removed.map((leaf) => leaf.index));
  const staying = leavesOf(group).filter((leaf) => !gone.has(leaf.index));
  const joining = commit.senderLeaf === null ? [commit.path.leaf] : [];
  const coming = [...commit.adds.map((add) => add.leaf), ...joining];
  if (staying.length + coming.length > leafLimits.leavesMax) fail("too_many_leaves");
  const devices = new Set(staying.map((leaf) => deviceKey(leaf.device)));
  const leafKeys = new Set(staying.map((leaf) => hex.encode(leaf.node.signaturePublicKey)));
  const isTaken = (leaf: LeafView) =>
    devices.has(deviceKey(leaf.credential.device)) || leafKeys.has(hex.encode(leaf.signatureKey));
  if (coming.some(isTaken)) fail("duplicate_leaf");
  checkKeys(group, commit);
}

/** A key twice would make the tree one that nobody can join. */
function checkKeys(group: Group, { adds, path }: CommitView): void {
  const held = new Set(
    group.state.ratchetTree.flatMap((node) => {
      if (node === undefined) return [];
      return [hex.encode(node.nodeType === "leaf" ? node.leaf.hpkePublicKey : node.parent.hpkePublicKey)];
    }),
  );
  const fresh = [...adds.map((add) => add.leaf.encryptionKey), path.leaf.encryptionKey, ...path.nodeKeys];
  if (fresh.some((key) => held.has(hex.encode(key)))) fail("duplicate_leaf");
}

async function askJudge(commit: CommitView, change: CommitChange, judge: Judge): Promise<void> {
  const coming = commit.adds.map((add) => add.leaf);
  if (change.isJoin) coming.push(commit.path.leaf);
  for (const leaf of coming) {
    if (!judge.acceptsLeaf(identityOf(leaf))) fail("untrusted_leaf");
    if (!(await holdsCertificate(leaf.credentialBytes, leaf.signatureKey))) fail("untrusted_leaf");
  }
  if (!judge.allowsCommit(change)) fail("forbidden_change");
}
