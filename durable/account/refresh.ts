/**
 * Rotation of refresh tokens. A token names its device, a family (one login) and a generation, under the edge's MAC.
 * The newest generation answers with the next; the one before it answers with the newest again, so that a lost
 * answer costs nothing and two tabs get the same token; an older one was stolen or copied: the device is revoked.
 */
import type { ErrorCode } from "../../src/protocol/errors.ts";
import { limits } from "../../src/protocol/limits.ts";
import { revokeDevice } from "./devices.ts";
import type { RefreshGrant } from "./refresh-grant.ts";

export type RefreshOutcome = RefreshGrant | { refused: ErrorCode };

export function refresh(sql: SqlStorage, now: number, deviceId: number, grant: RefreshGrant): RefreshOutcome {
  const device = sql
    .exec<{
      refresh_family: string;
      refresh_generation: number;
      refreshed_at: number;
      revoked_at: number | null;
    }>(
      "SELECT refresh_family, refresh_generation, refreshed_at, revoked_at FROM devices WHERE device_id = ?",
      deviceId,
    )
    .toArray()[0];
  if (device === undefined) return { refused: "unauthorized" };
  if (device.revoked_at !== null) return { refused: "revoked" };
  // The installation logged in again since: whoever holds the older family must use the newer one.
  if (device.refresh_family !== grant.family) return { refused: "unauthorized" };
  const hasExpired = now - device.refreshed_at > limits.refreshTokenLifetimeMs;
  if (hasExpired || grant.generation < device.refresh_generation - 1) {
    revokeDevice(sql, now, deviceId);
    return { refused: "revoked" };
  }
  if (grant.generation === device.refresh_generation - 1) {
    return { family: grant.family, generation: device.refresh_generation };
  }
  // A generation beyond ours is authentic too, and means that this object was restored to an older point.
  const generation = grant.generation + 1;
  sql.exec(
    "UPDATE devices SET refresh_generation = ?, refreshed_at = ? WHERE device_id = ?",
    generation,
    now,
    deviceId,
  );
  return { family: grant.family, generation };
}
