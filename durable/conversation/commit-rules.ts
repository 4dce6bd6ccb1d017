/**
 * Whether a commit may be accepted (E2, E11): its bytes are looked at first, then what they say is compared with what the
 * request claims and with the roster, then the objects that came along. Nothing is stored here.
 */
import type { ErrorDetails } from "../../src/protocol/errors.ts";
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";
import type { Refusal } from "../rpc.ts";
import { commitGuard } from "./commit-guard.ts";
import type { CommitDraft, DecodedObjects } from "./draft.ts";
import { areStored } from "./objects.ts";
import { deviceOf } from "./roster.ts";
import { refoundedRoster } from "./roster-change.ts";
import { refusalOfChange, refusalOfRefounding, refusalOfSize } from "./roster-rules.ts";
import type { Identity } from "./state.ts";

interface Claimed {
  conversationId: string;
  identity: Identity;
  author: DeviceRef;
  draft: CommitDraft;
}

/** A commit for the present epoch. */
export function refusalOfCommit(sql: SqlStorage, claimed: Claimed): Refusal | undefined {
  const { conversationId, identity, author, draft } = claimed;
  const { objects, bytes } = draft;
  if (objects === undefined) return { code: "bad_frame", details: { where: "blobs: not base64" } };
  if (bytes === null) return { code: "blob_missing", details: { where: "envelope" } };
  const { generation, epoch, suite } = identity;
  const inspected = commitGuard.inspectCommitBytes(bytes, { conversationId, generation, epoch, suite });
  if ("refused" in inspected) return bad(inspected.refused);
  const { facts } = inspected;
  if (facts.messageId !== draft.message_id) return bad("message_id");
  if (deviceKey(facts.committer) !== deviceKey(author)) return bad("committer");
  const isJoin = facts.senderLeaf === null;
  const { leaf } = deviceOf(identity.roster, author) ?? {};
  if (!isJoin && facts.senderLeaf !== leaf) return bad("committer");
  if (!isSame(isJoin ? [author] : facts.added, draft.roster_change.add)) return bad("roster_change.add");
  const leaves = draft.roster_change.remove.map((device) => deviceOf(identity.roster, device)?.leaf ?? -1);
  if (!isSameSet(leaves, facts.removedLeaves)) return bad("roster_change.remove");
  const { roster, kind } = identity;
  const refused = refusalOfChange({ roster, kind, author, change: draft.roster_change, isJoin });
  return refused ?? refusalOfObjects(sql, claimed, objects, facts.added.length);
}

/** [E15] The first commit of a generation, in a suite that its founder chose. `sql` is null where nothing is founded yet. */
export function refusalOfFounding(sql: SqlStorage | null, claimed: Claimed): Refusal | undefined {
  const { conversationId, identity, author, draft } = claimed;
  const { objects, bytes, generation } = draft;
  if (objects === undefined) return { code: "bad_frame", details: { where: "blobs: not base64" } };
  if (bytes === null) return { code: "blob_missing", details: { where: "envelope" } };
  const chosen = commitGuard.suiteOfGroupInfoBytes(objects.groupInfo);
  if ("refused" in chosen) return bad(chosen.refused);
  const { suite } = chosen;
  const expected = { conversationId, generation, epoch: 0, suite };
  const inspected = commitGuard.inspectCommitBytes(bytes, expected);
  if ("refused" in inspected) return bad(inspected.refused);
  const { facts } = inspected;
  if (facts.messageId !== draft.message_id) return bad("message_id");
  const [first, ...others] = draft.roster_change.add;
  const isFounder = (device: DeviceRef | undefined) =>
    device !== undefined && deviceKey(device) === deviceKey(author);
  if (!isFounder(first) || !isFounder(facts.committer) || facts.senderLeaf !== 0) return bad("committer");
  if (!isSame(facts.added, others) || facts.removedLeaves.length > 0) return bad("roster_change.add");
  const founded = { ...claimed, identity: { ...identity, generation, epoch: 0, suite } };
  return refusalOfNewRoster(sql, claimed) ?? refusalOfObjects(sql, founded, objects, others.length);
}

function refusalOfNewRoster(
  sql: SqlStorage | null,
  { identity, author, draft }: Claimed,
): Refusal | undefined {
  const devices = draft.roster_change.add;
  if (new Set(devices.map(deviceKey)).size < devices.length)
    return { code: "bad_roster", details: { where: "devices: each is named once" } };
  if (sql === null) return refusalOfSize(identity.roster);
  const { roster, kind } = identity;
  return (
    refusalOfRefounding(identity, author, devices) ??
    refusalOfSize(refoundedRoster(roster, devices, { seq: 0, time: 0 }, kind))
  );
}

function refusalOfObjects(
  sql: SqlStorage | null,
  { conversationId, identity, draft }: Claimed,
  objects: DecodedObjects,
  addedCount: number,
): Refusal | undefined {
  const { suite, generation, epoch } = identity;
  const { welcome, groupInfo, logged, tree } = objects;
  if ((welcome === null) !== (addedCount === 0)) return bad("welcome");
  const led = { conversationId, generation, epoch: epoch + 1, suite };
  const refused =
    commitGuard.inspectGroupInfoBytes(groupInfo, led) ??
    (welcome?.bytes == null
      ? null
      : commitGuard.inspectWelcomeBytes(welcome.bytes, { suite, count: addedCount }));
  if (refused !== null) return bad(refused);
  if (!draft.areActive) return { code: "bad_roster", details: { where: "add: are active" } };
  // Before the first founding nothing can have been uploaded.
  const isComplete =
    sql === null
      ? [welcome, tree, ...logged].every((blob) => blob === null || blob.bytes !== null)
      : areStored(sql, objects);
  return isComplete ? undefined : { code: "blob_missing", details: {} };
}

function isSame(one: readonly DeviceRef[], other: readonly DeviceRef[]): boolean {
  return one.map(deviceKey).join() === other.map(deviceKey).join();
}

function isSameSet(one: readonly number[], other: readonly number[]): boolean {
  const known = new Set(other);
  return (
    one.length === other.length && new Set(one).size === one.length && one.every((leaf) => known.has(leaf))
  );
}

/** `where`: the guard's code, or what does not agree. */
function bad(where: NonNullable<ErrorDetails["where"]>): Refusal {
  return { code: "bad_commit", details: { where } };
}
