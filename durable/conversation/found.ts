/**
 * Founding (E15): a compare-and-set on the generation. The first call wins and writes entry 1, the roster and epoch 1;
 * the loser is told what there is. A repeat of the winning call gets the winner's answer [L3].
 */
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { FoundCall, FoundOutcome, Submission } from "../rpc.ts";
import type { ConversationCore } from "./core.ts";
import { decodedBody, entryHead, insertEntry } from "./log.ts";
import { Progress } from "./progress.ts";
import { RecentIds } from "./recent-ids.ts";
import { foundedRoster, isActive, memberOf } from "./roster.ts";
import { describe, type Identity, newLogId, saveIdentity } from "./state.ts";

const foundingSeq = 1;

export function found(core: ConversationCore, call: FoundCall, ensureSchema: () => void): FoundOutcome {
  if (core.loaded !== null) return alreadyFounded(core, call);
  if (call.generation !== 1) return { refused: { code: "stale_epoch", details: {} } };

  const now = Date.now();
  const identity: Identity = {
    kind: "direct",
    logId: newLogId(),
    formerLogIds: [],
    generation: call.generation,
    epoch: 1,
    roster: foundedRoster(call.devices, { seq: foundingSeq, time: now }),
  };
  const crowded = identity.roster.some(
    (member) => member.devices.filter(isActive).length > limits.devicesPerUserMax,
  );
  const isAuthorIn = call.devices.some((device) => isSame(device, call.author));
  if (crowded || !isAuthorIn) return { refused: { code: "bad_roster", details: {} } };
  const body = decodedBody(call.envelope);
  if (body === undefined) return { refused: { code: "bad_frame", details: { where: "envelope" } } };
  const submission: Submission = {
    message_id: call.message_id,
    epoch: 0,
    base_seq: 0,
    silent: true,
    envelope: call.envelope,
    roster_change: { add: call.devices, remove: [] },
  };
  const entry = core.ctx.storage.transactionSync(() => {
    ensureSchema();
    saveIdentity(core.sql, identity);
    core.armAlarm(limits.alarmDelayMs);
    return insertEntry(core.sql, { seq: foundingSeq, sentAt: now, author: call.author }, submission, body);
  });
  const recentIds = new RecentIds(0);
  recentIds.add(call.author, call.message_id, foundingSeq);
  const progress = new Progress();
  progress.follow(identity.roster);
  core.loaded = {
    identity,
    head: { seq: foundingSeq, messageId: call.message_id, sentAt: now },
    recentIds,
    progress,
  };
  core.cache.add([entry]);
  return { state: describe(core.id, core.loaded, foundingSeq, core.key) };
}

function alreadyFounded(core: ConversationCore, call: FoundCall): FoundOutcome {
  const { loaded } = core;
  // Whoever is not a member learns no more than of a chat that does not exist.
  if (loaded === null || memberOf(loaded.identity.roster, call.author.user_id) === undefined) {
    return { refused: { code: "bad_roster", details: {} } };
  }
  const state = describe(core.id, loaded, core.memberDevice(call.author)?.joined_seq ?? null, core.key);
  const isRepeat =
    call.generation === loaded.identity.generation &&
    entryHead(core.sql, foundingSeq)?.message_id === call.message_id &&
    isSame(core.cache.one(foundingSeq).author, call.author);
  return isRepeat ? { state } : { refused: { code: "already_founded", details: {} }, state };
}

function isSame(one: DeviceRef, other: DeviceRef): boolean {
  return one.user_id === other.user_id && one.device_id === other.device_id;
}
