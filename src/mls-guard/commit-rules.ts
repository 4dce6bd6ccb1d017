/**
 * [E11] What can be said of a commit without the group's tree, by the Conversation and, first thing, by every member:
 * proposals by value only; by members Add, Remove or none; by joiners one external init and at most one Remove.
 * What needs the tree is src/client/mls/judge-commit.ts's.
 */
import { type DeviceRef, deviceKey } from "../protocol/ids.ts";
import { readCommitData } from "./authenticated-data.ts";
import { mlsBounds } from "./bounds.ts";
import { isEqual } from "./bytes.ts";
import { type CommitView, readCommit } from "./commit.ts";
import { encodeGroupId, type Generation } from "./group-id.ts";
import type { Suite } from "./leaf.ts";
import { type GuardCode, guardCodes, Refusal, refuse } from "./refusal.ts";

export interface ExpectedCommit extends Generation {
  epoch: number;
  suite: Suite;
}

export type InspectedCommit = { commit: CommitView } | { refused: GuardCode };

/** For the Conversation. `joiner` and `added` below say which devices the commit is about. */
export function inspectCommit(bytes: Uint8Array, expected: ExpectedCommit): InspectedCommit {
  try {
    return { commit: checkedCommit(bytes, expected) };
  } catch (error) {
    if (error instanceof Refusal)
      return { refused: guardCodes.find((code) => code === error.code) ?? "malformed" };
    throw error;
  }
}

/** Throws a Refusal. */
export function checkedCommit(bytes: Uint8Array, expected: ExpectedCommit): CommitView {
  const commit = readCommit(bytes);
  if (!isEqual(commit.groupId, encodeGroupId(expected))) refuse("wrong_group");
  if (commit.epoch !== expected.epoch) refuse("wrong_epoch");
  readCommitData(commit.authenticatedData);
  if (commit.senderLeaf === null) checkJoiner(commit);
  else checkMember(commit);
  if (commit.adds.length > mlsBounds.addsPerCommitMax) refuse("too_large");
  if (commit.adds.some((add) => add.suite !== expected.suite)) refuse("wrong_suite");
  if (commit.removes.some((leaf) => leaf >= mlsBounds.leavesMax)) refuse("forbidden_proposal");
  checkDistinct(commit);
  return commit;
}

function checkMember(commit: CommitView): void {
  if (commit.externalInits > 0) refuse("forbidden_proposal");
  if (commit.senderLeaf !== null && commit.removes.includes(commit.senderLeaf)) refuse("forbidden_proposal");
}

function checkJoiner(commit: CommitView): void {
  const isAllowed = commit.externalInits === 1 && commit.removes.length <= 1 && commit.adds.length === 0;
  if (!isAllowed) refuse("forbidden_proposal");
}

/** No device, no leaf and no key twice within one commit. */
function checkDistinct({ adds, removes, path }: CommitView): void {
  const leaves = [path.leaf, ...adds.map((add) => add.leaf)];
  const keys = [
    ...leaves.map((leaf) => leaf.encryptionKey),
    ...path.nodeKeys,
    ...adds.map((add) => add.initKey),
  ];
  const distinct: (string | number)[][] = [
    removes,
    leaves.map((leaf) => deviceKey(leaf.credential.device)),
    leaves.map((leaf) => leaf.signatureKey.join()),
    keys.map((key) => key.join()),
  ];
  if (distinct.some((values) => new Set(values).size < values.length)) refuse("forbidden_proposal");
}

export function committerOf(commit: CommitView): DeviceRef {
  return commit.path.leaf.credential.device;
}
export function addedBy(commit: CommitView): DeviceRef[] {
  return commit.adds.map((add) => add.leaf.credential.device);
}
