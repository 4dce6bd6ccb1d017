/**
 * The devices of one user: who is linked, how many, and what the Inbox has still to be told.
 * A device_id counts from 1 and is never reused; a revoked device stays revoked.
 */
import type { ErrorCode } from "../../src/protocol/errors.ts";
import { limits } from "../../src/protocol/limits.ts";
import { newFamily, type RefreshGrant } from "./refresh-grant.ts";

export interface AddDeviceCall {
  installation_id: string;
  name: string;
}
export type AddDeviceOutcome = ({ device_id: number } & RefreshGrant) | { refused: ErrorCode };

export interface ActiveDevice {
  device_id: number;
  name: string;
  created_at: number;
}

export interface InboxDuty {
  device_id: number;
  inbox_duty: "add" | "revoke";
  duty_attempts: number;
}

/** Links a device. Idempotent per installation: the same device again, with a new family of refresh tokens. */
export function addDevice(sql: SqlStorage, now: number, call: AddDeviceCall): AddDeviceOutcome {
  revokeExpired(sql, now);
  const family = newFamily();
  const known = sql
    .exec<{ device_id: number }>(
      "SELECT device_id FROM devices WHERE installation_id = ? AND revoked_at IS NULL",
      call.installation_id,
    )
    .toArray()[0];
  if (known !== undefined) {
    sql.exec(
      "UPDATE devices SET name = ?, refresh_family = ?, refresh_generation = 0, refreshed_at = ? WHERE device_id = ?",
      call.name,
      family,
      now,
      known.device_id,
    );
    return { device_id: known.device_id, family, generation: 0 };
  }
  if (activeDevices(sql).length >= limits.devicesPerUserMax) return { refused: "device_limit" };
  const added = sql
    .exec<{ device_id: number }>(
      `INSERT INTO devices (device_id, installation_id, name, created_at, refresh_family, refresh_generation, refreshed_at, inbox_duty)
       SELECT coalesce(max(device_id), 0) + 1, ?, ?, ?, ?, 0, ?, 'add' FROM devices RETURNING device_id`,
      call.installation_id,
      call.name,
      now,
      family,
      now,
    )
    .one();
  return { device_id: added.device_id, family, generation: 0 };
}

export function activeDevices(sql: SqlStorage): ActiveDevice[] {
  return sql
    .exec<{ device_id: number; name: string; created_at: number }>(
      "SELECT device_id, name, created_at FROM devices WHERE revoked_at IS NULL ORDER BY device_id",
    )
    .toArray();
}

export function isActive(sql: SqlStorage, deviceId: number): boolean {
  return activeDevices(sql).some((device) => device.device_id === deviceId);
}

/** Idempotent. False if there never was such a device. */
export function revokeDevice(sql: SqlStorage, now: number, deviceId: number): boolean {
  sql.exec(
    `UPDATE devices SET revoked_at = ?, inbox_duty = 'revoke', duty_attempts = 0
     WHERE device_id = ? AND revoked_at IS NULL`,
    now,
    deviceId,
  );
  const found = sql.exec("SELECT 1 FROM devices WHERE device_id = ?", deviceId);
  return found.next().done !== true;
}

/** A device that stayed away longer than its refresh token lives cannot come back: it frees its place. */
function revokeExpired(sql: SqlStorage, now: number): void {
  sql.exec(
    `UPDATE devices SET revoked_at = ?, inbox_duty = 'revoke', duty_attempts = 0
     WHERE revoked_at IS NULL AND refreshed_at < ?`,
    now,
    now - limits.refreshTokenLifetimeMs,
  );
}

export function pendingDuties(sql: SqlStorage): InboxDuty[] {
  return sql
    .exec<{ device_id: number; inbox_duty: "add" | "revoke"; duty_attempts: number }>(
      "SELECT device_id, inbox_duty, duty_attempts FROM devices WHERE inbox_duty IS NOT NULL ORDER BY device_id",
    )
    .toArray();
}

/** Only the duty that was done is dropped: a revocation may have replaced it while the call was under way. */
export function dutyDone(sql: SqlStorage, duty: InboxDuty): void {
  sql.exec(
    "UPDATE devices SET inbox_duty = NULL, duty_attempts = 0 WHERE device_id = ? AND inbox_duty = ?",
    duty.device_id,
    duty.inbox_duty,
  );
}

export function dutyFailed(sql: SqlStorage, duty: InboxDuty): void {
  sql.exec(
    "UPDATE devices SET duty_attempts = duty_attempts + 1 WHERE device_id = ? AND inbox_duty = ?",
    duty.device_id,
    duty.inbox_duty,
  );
}

/** Milliseconds until duties that failed so often are tried again: doubling, bounded, with up to a quarter of jitter. */
export function dutyDelayMs(attempts: number): number {
  const doubled = Math.min(limits.alarmDelayMs * 2 ** Math.min(attempts, 16), limits.alarmBackoffMsMax);
  return Math.round(doubled * (1 - Math.random() / 4));
}
