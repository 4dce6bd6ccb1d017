/**
 * What lets devices into the group: for each commit that added some its Welcome with the tree of that epoch, until they
 * have it; and the present epoch's GroupInfo and tree for those who come in by external commit (E2, E12).
 */
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { DecodedObjects } from "./draft.ts";
import { dropUnnamedRows, keepObject } from "./objects.ts";

type WelcomeRow = {
  seq: number;
  generation: number;
  epoch: number;
  inviter_id: string;
  inviter_device: number;
  welcome_hash: string;
  tree_hash: string;
  awaiting: string;
};
/** By device key: whether it has fetched it. */
type Awaiting = Record<string, boolean>;
type GroupInfoRow = { group_info: ArrayBuffer; tree_hash: string; commit_seq: number };

interface AcceptedCommit {
  seq: number;
  now: number;
  generation: number;
  epoch: number;
  author: DeviceRef;
  objects: DecodedObjects;
  /** Devices that its Welcome is for. */
  welcomed: readonly DeviceRef[];
  /** Devices that no earlier Welcome is for any more: added, removed, or come in by themselves. */
  superseded: readonly DeviceRef[];
}

/** In the transaction of the commit. */
export function keepCommitObjects(sql: SqlStorage, commit: AcceptedCommit): void {
  const { seq, now, objects } = commit;
  const { welcome, tree, groupInfo, logged } = objects;
  keepObject(sql, tree, false, now);
  for (const blob of logged) keepObject(sql, blob, true, now);
  sql.exec(
    "INSERT OR REPLACE INTO group_info (id, group_info, tree_hash, commit_seq) VALUES (1, ?, ?, ?)",
    groupInfo,
    tree.hash,
    seq,
  );
  const gone = new Set(commit.superseded.map(deviceKey));
  settleWelcomes(sql, (device) => !gone.has(device));
  if (welcome !== null) {
    keepObject(sql, welcome, false, now);
    sql.exec(
      "INSERT INTO welcomes (seq, generation, epoch, inviter_id, inviter_device, welcome_hash, tree_hash, awaiting) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      seq,
      commit.generation,
      commit.epoch,
      commit.author.user_id,
      commit.author.device_id,
      welcome.hash,
      tree.hash,
      JSON.stringify(Object.fromEntries(commit.welcomed.map((device) => [deviceKey(device), false]))),
    );
    // Whoever waited longest comes in by external commit instead.
    sql.exec(
      "DELETE FROM welcomes WHERE seq NOT IN (SELECT seq FROM welcomes ORDER BY seq DESC LIMIT ?)",
      limits.welcomesKeptMax,
    );
  }
  dropUnnamedRows(sql);
}

export function welcomeFor(sql: SqlStorage, device: DeviceRef): WelcomeRow | undefined {
  const key = deviceKey(device);
  return welcomeRows(sql).findLast((row) => key in (JSON.parse(row.awaiting) as Awaiting));
}

/** The device has got it; it may ask again until it has also acknowledged an entry. */
export function welcomeFetched(sql: SqlStorage, row: WelcomeRow, device: DeviceRef): void {
  const awaiting: Awaiting = JSON.parse(row.awaiting);
  if (awaiting[deviceKey(device)] === true) return;
  const next = { ...awaiting, [deviceKey(device)]: true };
  sql.exec("UPDATE welcomes SET awaiting = ? WHERE seq = ?", JSON.stringify(next), row.seq);
}

/** Forgets whoever is not awaited any more, and Welcomes that nobody is. Returns whether a Welcome went. */
export function settleWelcomes(
  sql: SqlStorage,
  isAwaited: (device: string, seq: number, isFetched: boolean) => boolean,
): boolean {
  let hasGone = false;
  for (const row of welcomeRows(sql)) {
    const before = Object.entries(JSON.parse(row.awaiting) as Awaiting);
    const after = before.filter(([device, isFetched]) => isAwaited(device, row.seq, isFetched));
    hasGone ||= after.length === 0;
    if (after.length === 0) sql.exec("DELETE FROM welcomes WHERE seq = ?", row.seq);
    else if (after.length < before.length)
      sql.exec(
        "UPDATE welcomes SET awaiting = ? WHERE seq = ?",
        JSON.stringify(Object.fromEntries(after)),
        row.seq,
      );
  }
  return hasGone;
}

export function groupInfoRow(sql: SqlStorage): GroupInfoRow | undefined {
  return sql.exec<GroupInfoRow>("SELECT group_info, tree_hash, commit_seq FROM group_info").toArray()[0];
}

function welcomeRows(sql: SqlStorage): WelcomeRow[] {
  return sql.exec<WelcomeRow>("SELECT * FROM welcomes ORDER BY seq").toArray();
}
