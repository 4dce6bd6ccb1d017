/** What lets a device into the MLS group, as HTTP answers it: its Welcome, or the present GroupInfo (E2, E12). */
import { base64 } from "@scure/base";
import type { z } from "zod";
import { entrySchema } from "../../src/protocol/entry.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import type { groupInfoSchema, welcomeSchema } from "../../src/protocol/mls.ts";
import type { ConversationCore } from "./core.ts";
import { blobOf } from "./objects.ts";
import { activeDevice } from "./roster.ts";
import { mayJoin } from "./roster-rules.ts";
import { groupInfoRow, welcomeFetched, welcomeFor } from "./welcomes.ts";

/** The one of the device's latest addition; null when none waits for it. */
export function welcome(core: ConversationCore, asker: DeviceRef): z.infer<typeof welcomeSchema> | null {
  const { loaded, sql } = core;
  if (loaded === null || activeDevice(core.roster, asker) === undefined) return null;
  const row = welcomeFor(sql, asker);
  if (row === undefined) return null;
  const [bytes, tree] = [blobOf(sql, row.welcome_hash), blobOf(sql, row.tree_hash)];
  if (bytes === undefined || tree === undefined) throw new Error("a Welcome has its objects");
  welcomeFetched(sql, row, asker);
  return {
    conversation_id: core.id,
    kind: loaded.identity.kind,
    generation: row.generation,
    suite: loaded.identity.suite,
    epoch: row.epoch,
    seq: row.seq,
    inviter: { user_id: row.inviter_id, device_id: row.inviter_device },
    welcome: bytes,
    tree,
  };
}

/** Null to whoever can neither be in the group nor come in. */
export function groupInfo(core: ConversationCore, asker: DeviceRef): z.infer<typeof groupInfoSchema> | null {
  const { loaded, sql, roster } = core;
  if (loaded === null || !mayJoin(roster, asker)) return null;
  const row = groupInfoRow(sql);
  const tree = row === undefined ? undefined : blobOf(sql, row.tree_hash);
  if (row === undefined || tree === undefined) return null;
  const commit = entrySchema.parse(JSON.parse(core.cache.one(row.commit_seq).json));
  if (commit.kind !== "commit") throw new Error("the present epoch came by a commit");
  const { kind, generation, suite, epoch } = loaded.identity;
  return {
    conversation_id: core.id,
    kind,
    generation,
    suite,
    epoch,
    group_info: base64.encode(new Uint8Array(row.group_info)),
    tree,
    commit_seq: row.commit_seq,
    commit: commit.envelope,
  };
}
