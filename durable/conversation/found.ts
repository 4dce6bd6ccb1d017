/**
 * Founding (E15): a compare-and-set on the generation. The first call wins and writes entry 1, the roster and epoch 1;
 * the loser is told what there is. A repeat of the winning call gets the winner's answer [L3]. A further generation goes
 * the way of every entry (append.ts).
 */
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { FoundCall, FoundOutcome } from "../rpc.ts";
import { keepObjects, suiteOf } from "./changed-identity.ts";
import { refusalOfFounding } from "./commit-rules.ts";
import type { ConversationCore } from "./core.ts";
import type { CommitDraft } from "./draft.ts";
import { entryHead, hasBody, insertEntry } from "./log.ts";
import { Progress } from "./progress.ts";
import { RecentIds } from "./recent-ids.ts";
import { memberOf } from "./roster.ts";
import { foundedRoster } from "./roster-change.ts";
import { describe, type Identity, newLogId, saveIdentity } from "./state.ts";

const foundingSeq = 1;

/** The first generation; nothing is stored when it is refused. */
export function found(
  core: ConversationCore,
  call: FoundCall,
  draft: CommitDraft,
  ensureSchema: () => void,
): FoundOutcome {
  const { author } = call;
  if (draft.body === undefined) return { refused: { code: "bad_frame", details: { where: "envelope" } } };
  const now = Date.now();
  const at = { seq: foundingSeq, time: now };
  const identity: Identity = {
    kind: call.kind,
    logId: newLogId(),
    formerLogIds: [],
    generation: 1,
    suite: "x_wing",
    foundedSeq: foundingSeq,
    epoch: 1,
    roster: foundedRoster(call.devices, at, call.kind),
  };
  const refused = refusalOfFounding(null, { conversationId: core.id, identity, author, draft });
  if (refused !== undefined) return { refused };
  const { body } = draft;
  const founded = { ...identity, suite: suiteOf(draft) };
  const entry = core.ctx.storage.transactionSync(() => {
    ensureSchema();
    saveIdentity(core.sql, founded);
    keepObjects(core.sql, author, draft, at, []);
    core.armAlarm(limits.alarmDelayMs);
    return insertEntry(core.sql, { seq: foundingSeq, sentAt: now, author }, draft, body);
  });
  const recentIds = new RecentIds(0);
  recentIds.add(author, call.message_id, foundingSeq);
  const progress = new Progress();
  progress.follow(founded.roster);
  core.loaded = {
    identity: founded,
    head: { seq: foundingSeq, messageId: call.message_id, sentAt: now },
    recentIds,
    progress,
  };
  core.cache.add([entry]);
  return { state: describe(core.id, core.loaded, foundingSeq, core.key) };
}

/**
 * What there is, for a call that founds nothing; undefined when it asks for the next generation. With its draft, a repeat
 * is held to what it says: other bytes under a used id are a conflict [L3].
 */
export function foundedAlready(
  core: ConversationCore,
  call: FoundCall,
  draft?: CommitDraft,
): FoundOutcome | undefined {
  const { loaded } = core;
  if (loaded === null) return undefined;
  const member = memberOf(loaded.identity.roster, call.author.user_id);
  // Whoever is not a member learns no more than of a chat that does not exist.
  if (member === undefined || member.left_seq !== undefined)
    return { refused: { code: "bad_roster", details: {} } };
  const state = describe(core.id, loaded, core.memberDevice(call.author)?.joined_seq ?? null, core.key);
  const { generation, foundedSeq } = loaded.identity;
  if (call.generation > generation) return undefined;
  const isRepeat =
    call.generation === generation &&
    entryHead(core.sql, foundedSeq)?.message_id === call.message_id &&
    isSame(core.cache.one(foundedSeq).author, call.author);
  if (isRepeat && draft !== undefined && !isAsFounded(core, foundedSeq, draft))
    return { refused: { code: "id_conflict", details: { first_seq: foundedSeq } } };
  return isRepeat ? { state } : { refused: { code: "already_founded", details: {} }, state };
}

function isAsFounded({ sql }: ConversationCore, seq: number, draft: CommitDraft): boolean {
  return draft.body !== undefined && hasBody(sql, seq, draft, draft.body);
}

function isSame(one: DeviceRef, other: DeviceRef): boolean {
  return one.user_id === other.user_id && one.device_id === other.device_id;
}
