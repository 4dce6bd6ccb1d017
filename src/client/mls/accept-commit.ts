/**
 * An accepted commit comes in the log: one's own is adopted by its hash, somebody else's is judged and applied, whatever
 * was pending then has lost. Processed in order of the log, nothing of the epoch before is kept (E3).
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { decodeMlsMessage, emptyPskIndex, type MlsPublicMessage, processMessage } from "ts-mls";
import { unprotectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import { type CommitData, readCommitData } from "../../mls-guard/authenticated-data.ts";
import { isEqual } from "../../mls-guard/bytes.ts";
import { checkedCommit, committerOf } from "../../mls-guard/commit-rules.ts";
import type { PendingCommit } from "./commit.ts";
import { attempt, fail, type Result } from "./failures.ts";
import {
  assertActive,
  epochOf,
  type Group,
  isRemoved,
  isSameDevice,
  ownLeafIndex,
  settled,
} from "./group.ts";
import type { CommitChange, Judge } from "./identity.ts";
import { judgeCommit } from "./judge-commit.ts";
import { checkClaim, compareLogs, type EntryPlace } from "./place.ts";
import { implementationOf } from "./suites.ts";

export interface AcceptedCommit {
  /** removed: this device's leaf is gone; `group` is the state as it was, for nothing but showing. */
  outcome: "adopted" | "applied" | "removed";
  group: Group;
  change: CommitChange;
  data: CommitData;
  /** To be wiped (wipe.ts) once `group` is stored, not earlier: the old state shares them. */
  spent: Uint8Array[];
}

export function acceptCommit(
  group: Group,
  bytes: Uint8Array,
  context: { place: EntryPlace; judge: Judge; pending: PendingCommit | null },
): Promise<Result<AcceptedCommit>> {
  return attempt("commit_unprocessable", async () => {
    const { place, judge, pending } = context;
    assertActive(group);
    if (place.epoch > epochOf(group)) fail("epoch_ahead");
    if (place.epoch < epochOf(group)) fail(place.epoch < group.joinedEpoch ? "before_join" : "epoch_passed");
    const commit = checkedCommit(bytes, { ...group, epoch: epochOf(group) });
    if (!isSameDevice(committerOf(commit), place.sender)) fail("wrong_device");
    const data = readCommitData(commit.authenticatedData);
    checkClaim(data, place);
    const change = await judgeCommit(group, commit, judge);
    if (pending !== null && isEqual(pending.hash, sha256(bytes))) {
      return { outcome: "adopted", group: pending.next, change, data, spent: [] };
    }
    const applied = await apply(group, publicMessage(bytes), commit.removes.includes(ownLeafIndex(group)));
    compareLogs(data, place);
    return { ...applied, change, data };
  });
}

function publicMessage(bytes: Uint8Array): MlsPublicMessage {
  const message = decodeMlsMessage(bytes, 0)?.[0];
  return message?.wireformat === "mls_public_message" ? message : fail("malformed");
}

async function apply(
  group: Group,
  message: MlsPublicMessage,
  isOwnLeafRemoved: boolean,
): Promise<Pick<AcceptedCommit, "outcome" | "group" | "spent">> {
  const implementation = await implementationOf(group.suite);
  const { keySchedule, groupContext, ratchetTree } = group.state;
  if (isOwnLeafRemoved) {
    // The library fails on a joiner that takes this leaf's place. Who signed can be checked, the new epoch cannot.
    const key = keySchedule.membershipKey;
    await unprotectPublicMessage(key, groupContext, ratchetTree, message.publicMessage, implementation);
    const state = { ...group.state, groupActiveState: { kind: "removedFromGroup" as const } };
    return { outcome: "removed", group: { ...group, state }, spent: [] };
  }
  const result = await processMessage(message, group.state, emptyPskIndex, () => "accept", implementation);
  const next = { ...group, state: settled(result.newState) };
  if (epochOf(next) !== epochOf(group) + 1 || isRemoved(next)) fail("commit_unprocessable");
  return { outcome: "applied", group: next, spent: result.consumed };
}
