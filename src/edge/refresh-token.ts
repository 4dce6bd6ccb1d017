/**
 * Refresh tokens: `user.device.family.generation.mac`. The MAC is checked here, so that a forged token reaches no
 * Account: it can neither create storage nor log a device out by posing as an old one. Rotation: durable/account/refresh.ts.
 */
import { base64urlnopad } from "@scure/base";
import type { RefreshGrant } from "../../durable/account/refresh-grant.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { type DeviceRef, deviceRefSchema } from "../protocol/ids.ts";
import { keyedHash, serverKey } from "./keys.ts";

export async function signRefreshToken(
  secret: string,
  device: DeviceRef,
  grant: RefreshGrant,
): Promise<string> {
  const claims = [device.user_id, device.device_id, grant.family, grant.generation].join(".");
  return `${claims}.${await keyedHash(await serverKey(secret, "refresh"), claims)}`;
}

export async function verifyRefreshToken(secret: string, token: string): Promise<DeviceRef & RefreshGrant> {
  const [, claims, mac] = /^([\w-]+\.\d+\.[\w-]+\.\d+)\.([\w-]{43})$/.exec(token) ?? [];
  if (claims === undefined || mac === undefined) throw new ProtocolError("unauthorized");
  if (!(await isOurs(secret, claims, mac))) throw new ProtocolError("unauthorized");
  const [userId, deviceId, family = "", generation] = claims.split(".");
  const device = deviceRefSchema.parse({ user_id: userId, device_id: Number(deviceId) });
  return { ...device, family, generation: Number(generation) };
}

async function isOurs(secret: string, claims: string, mac: string): Promise<boolean> {
  const key = await serverKey(secret, "refresh");
  try {
    return await crypto.subtle.verify(
      "HMAC",
      key,
      base64urlnopad.decode(mac),
      new TextEncoder().encode(claims),
    );
  } catch {
    // Not base64url: the last character's spare bits were not zero.
    return false;
  }
}
