/** What an accepted commit or leave makes of a conversation, within its transaction (E2, E14, E15). */
import type { Suite } from "../../src/mls-guard/leaf.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { commitGuard } from "./commit-guard.ts";
import type { CommitDraft, LeaveDraft } from "./draft.ts";
import { devicesWithLeaf } from "./roster.ts";
import { changedRoster, refoundedRoster, withLeft } from "./roster-change.ts";
import type { Identity } from "./state.ts";
import { keepCommitObjects } from "./welcomes.ts";

interface At {
  seq: number;
  time: number;
}

export function changedIdentity(
  sql: SqlStorage,
  identity: Identity,
  author: DeviceRef,
  draft: CommitDraft | LeaveDraft,
  at: At,
): Identity {
  const { roster, kind } = identity;
  if (draft.kind === "leave") return { ...identity, roster: withLeft(roster, author.user_id, at.seq) };
  const { add, remove } = draft.roster_change;
  keepObjects(sql, author, draft, at, draft.isFounding ? devicesWithLeaf(roster) : remove);
  if (!draft.isFounding) {
    const next = changedRoster(roster, draft.roster_change, at, kind);
    return { ...identity, epoch: identity.epoch + 1, roster: next };
  }
  return {
    ...identity,
    generation: draft.generation,
    suite: suiteOf(draft),
    foundedSeq: at.seq,
    epoch: 1,
    roster: refoundedRoster(roster, add, at, kind),
  };
}

/** Of a founding that the rules let pass. */
export function suiteOf({ objects }: CommitDraft): Suite {
  const chosen = objects === undefined ? undefined : commitGuard.suiteOfGroupInfoBytes(objects.groupInfo);
  if (chosen === undefined || "refused" in chosen) throw new Error("a founding has its group info");
  return chosen.suite;
}

/** `removed`: devices whose leaves are gone, besides those the commit adds. */
export function keepObjects(
  sql: SqlStorage,
  author: DeviceRef,
  { objects, roster_change: { add }, generation, epoch }: CommitDraft,
  at: At,
  removed: readonly DeviceRef[],
): void {
  if (objects === undefined) throw new Error("the rules of commits let none pass without its objects");
  keepCommitObjects(sql, {
    seq: at.seq,
    now: at.time,
    generation,
    epoch,
    author,
    objects,
    welcomed: add.filter((device) => !isSame(device, author)),
    superseded: [...add, ...removed],
  });
}

function isSame(one: DeviceRef, other: DeviceRef): boolean {
  return one.user_id === other.user_id && one.device_id === other.device_id;
}
