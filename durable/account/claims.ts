/**
 * [E6] How often key packages may be claimed: so many users by one claimer, and of one user so many one-time packages, in
 * all and by one claimer. Beyond the latter two the last-resort package is given: a storm of claims neither uses the
 * others up nor keeps anybody from being added.
 */
import type { Suite } from "../../src/mls-guard/leaf.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import { type Bucket, dropFull, take } from "./buckets.ts";
import { type ClaimedDevice, claimKeyPackages } from "./key-packages.ts";

export interface ClaimCall {
  claimer: DeviceRef;
  suite: Suite;
  /** No direct chat of the two is founded. */
  isStranger: boolean;
}

const hourMs = 60 * 60_000;

/** For the claimer's own account: 0, or how long to wait in milliseconds. */
export function takeClaims(sql: SqlStorage, users: number, now: number): number {
  const perMs = limits.usersClaimedPerSecond / 1000;
  return take(sql, { name: "claims", burst: limits.usersClaimedBurst, perMs }, now, users);
}

/** For the account whose packages are claimed. */
export function claim(sql: SqlStorage, userId: string, call: ClaimCall, now: number): ClaimedDevice[] {
  const { claimer, suite, isStranger } = call;
  const isOwn = claimer.user_id === userId;
  const isLastResortOnly = !isOwn && (isStranger || isUsedUp(sql, claimer.user_id, now));
  return claimKeyPackages(sql, { suite, isLastResortOnly, except: isOwn ? claimer.device_id : null }, now);
}

function isUsedUp(sql: SqlStorage, claimer: string, now: number): boolean {
  const byOne = bucket(`by ${claimer}`, limits.oneTimeByClaimerPerHour);
  const byAll = bucket("by all", limits.oneTimePerHour);
  dropFull(sql, now, hourMs);
  return take(sql, byOne, now) > 0 || take(sql, byAll, now) > 0;
}

/** An hour's worth at once, and as much again over the next hour. */
function bucket(name: string, perHour: number): Bucket {
  return { name, burst: perHour, perMs: perHour / hourMs };
}
