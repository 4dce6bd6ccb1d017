/**
 * [E6] Key packages of one user's devices: one-time ones, each handed out once, and per device and suite a last-resort
 * one that is handed out when there is no other, or to those who shall not use the others up.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { base64, base64urlnopad } from "@scure/base";
import type { z } from "zod";
import type { Suite } from "../../src/mls-guard/leaf.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import type {
  claimAnswerSchema,
  keyPackageCountSchema,
  keyPackagesRequestSchema,
} from "../../src/protocol/mls.ts";
import type { Refusal } from "../rpc.ts";
import { activeDevices } from "./devices.ts";
import { keyPackageGuard } from "./key-package-guard.ts";

type Upload = z.infer<typeof keyPackagesRequestSchema>["packages"][number];
export type KeyPackageCounts = z.infer<typeof keyPackageCountSchema>;
export type ClaimedDevice = z.infer<typeof claimAnswerSchema>["users"][number]["devices"][number];

interface Checked extends Pick<Upload, "suite" | "last_resort"> {
  bytes: Uint8Array;
  notAfterMs: number;
}

/** All or nothing; `where` names the first that is not right. Uploading one again changes nothing. */
export function storeKeyPackages(
  sql: SqlStorage,
  device: DeviceRef,
  uploads: readonly Upload[],
  now: number,
): Refusal | null {
  const checked: Checked[] = [];
  for (const [index, upload] of uploads.entries()) {
    const result = check(upload, device, now);
    if ("refused" in result) {
      const where = `packages.${index}: ${result.refused}`;
      return { code: "bad_frame", details: { where } };
    }
    checked.push(result);
  }
  for (const one of checked) store(sql, device.device_id, one);
  trim(sql, device.device_id, now);
  return null;
}

function check(upload: Upload, device: DeviceRef, nowMs: number): Checked | { refused: string } {
  const bytes = decoded(upload.package);
  if (bytes === undefined) return { refused: "base64" };
  const { suite, last_resort } = upload;
  const inspected = keyPackageGuard.inspectKeyPackageBytes(bytes, {
    device,
    suite,
    isLastResort: last_resort,
    nowMs,
  });
  return "refused" in inspected ? inspected : { suite, last_resort, bytes, ...inspected };
}

function decoded(text: string): Uint8Array | undefined {
  try {
    return base64.decode(text);
  } catch {
    return undefined;
  }
}

function store(sql: SqlStorage, deviceId: number, { suite, last_resort, bytes, notAfterMs }: Checked): void {
  sql.exec(
    "INSERT OR IGNORE INTO key_packages (hash, device_id, suite, is_last_resort, not_after, package) VALUES (?, ?, ?, ?, ?, ?)",
    base64urlnopad.encode(sha256(bytes)),
    deviceId,
    suite,
    last_resort ? 1 : 0,
    notAfterMs,
    bytes,
  );
}

/** [F9] One last-resort package, the newest hundred others, and a bounded memory of those that were handed out. */
function trim(sql: SqlStorage, deviceId: number, now: number): void {
  sql.exec("DELETE FROM key_packages WHERE device_id = ? AND not_after <= ?", deviceId, now);
  const newest = (what: string) =>
    `DELETE FROM key_packages WHERE device_id = ? AND suite = ? AND ${what}
     AND id NOT IN (SELECT id FROM key_packages WHERE device_id = ? AND suite = ? AND ${what} ORDER BY id DESC LIMIT ?)`;
  for (const suite of suites) {
    const trimTo = (what: string, count: number) =>
      sql.exec(newest(what), deviceId, suite, deviceId, suite, count);
    trimTo("is_last_resort = 1", 1);
    trimTo("is_last_resort = 0 AND package IS NOT NULL", limits.keyPackagesPerDeviceMax);
    trimTo("is_last_resort = 0 AND package IS NULL", limits.keyPackagesClaimedKeptMax);
  }
}

const suites: readonly Suite[] = ["x25519", "x_wing"];

export function countKeyPackages(sql: SqlStorage, deviceId: number, now: number): KeyPackageCounts {
  const of = (suite: Suite) => ({
    one_time: countOneTime(sql, deviceId, suite, now),
    last_resort: packageOf(sql, deviceId, suite, true, now) !== undefined,
  });
  return { x25519: of("x25519"), x_wing: of("x_wing") };
}

export function countOneTime(sql: SqlStorage, deviceId: number, suite: Suite, now: number): number {
  return sql
    .exec<{ count: number }>(
      "SELECT count(*) AS count FROM key_packages WHERE device_id = ? AND suite = ? AND is_last_resort = 0 AND package IS NOT NULL AND not_after > ?",
      deviceId,
      suite,
      now,
    )
    .one().count;
}

/** One for every active device but `except`; null for a device that has none to give. */
export function claimKeyPackages(
  sql: SqlStorage,
  claim: { suite: Suite; isLastResortOnly: boolean; except: number | null },
  now: number,
): ClaimedDevice[] {
  const { suite, isLastResortOnly, except } = claim;
  return activeDevices(sql)
    .filter(({ device_id }) => device_id !== except)
    .map(({ device_id }) => {
      const oneTime = isLastResortOnly ? undefined : packageOf(sql, device_id, suite, false, now);
      if (oneTime !== undefined) sql.exec("UPDATE key_packages SET package = NULL WHERE id = ?", oneTime.id);
      const given = oneTime ?? packageOf(sql, device_id, suite, true, now);
      return {
        device_id,
        package: given === undefined ? null : base64.encode(new Uint8Array(given.package)),
      };
    });
}

function packageOf(
  sql: SqlStorage,
  deviceId: number,
  suite: Suite,
  isLastResort: boolean,
  now: number,
): { id: number; package: ArrayBuffer } | undefined {
  return sql
    .exec<{ id: number; package: ArrayBuffer }>(
      "SELECT id, package FROM key_packages WHERE device_id = ? AND suite = ? AND is_last_resort = ? AND package IS NOT NULL AND not_after > ? ORDER BY id LIMIT 1",
      deviceId,
      suite,
      isLastResort ? 1 : 0,
      now,
    )
    .toArray()[0];
}

/** Nobody shall add a device that was logged out. */
export function dropKeyPackagesOfRevoked(sql: SqlStorage): void {
  sql.exec(
    "DELETE FROM key_packages WHERE device_id IN (SELECT device_id FROM devices WHERE revoked_at IS NOT NULL)",
  );
}
