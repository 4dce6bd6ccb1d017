/** Tokens as plain text: who, until when; and for refreshing, which login and how often renewed. */

import type { Tokens } from "../../src/protocol/http.ts";
import { type DeviceRef, deviceRefSchema } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";

interface Grant {
  family: string;
  generation: number;
}

export function signTokens(device: DeviceRef, grant: Grant, now: number): Tokens {
  const expiresAt = Math.floor(now) + limits.accessTokenLifetimeSeconds * 1000;
  const who = `${device.user_id}.${device.device_id}`;
  return {
    ...device,
    access_token: `a.${who}.${expiresAt}`,
    access_expires_at: expiresAt,
    refresh_token: `r.${who}.${grant.family}.${grant.generation}`,
  };
}

/** Null for a token that has expired, or is none. */
export function readToken(token: string | null, now: number): DeviceRef | null {
  const [kind, userId, deviceId, expiresAt] = token?.split(".") ?? [];
  if (kind !== "a" || Number(expiresAt) <= now) return null;
  return deviceRefSchema.safeParse({ user_id: userId, device_id: Number(deviceId) }).data ?? null;
}

export function readRefreshToken(token: string): { device: DeviceRef; grant: Grant } | null {
  const [kind, userId, deviceId, family, generation] = token.split(".");
  const device = deviceRefSchema.safeParse({ user_id: userId, device_id: Number(deviceId) }).data;
  if (kind !== "r" || device === undefined) return null;
  return { device, grant: { family: family ?? "", generation: Number(generation) } };
}
