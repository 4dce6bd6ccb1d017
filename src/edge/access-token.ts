/** Access tokens: JWT with HS256, fifteen minutes, checked without asking anybody. Claims: sub = user, dev = device. */
import { errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { ProtocolError } from "../protocol/errors.ts";
import { type DeviceRef, deviceRefSchema } from "../protocol/ids.ts";
import { limits } from "../protocol/limits.ts";
import { serverKey } from "./keys.ts";

const audience = "kittiwake";

export async function signAccessToken(
  secret: string,
  device: DeviceRef,
): Promise<{ access_token: string; access_expires_at: number }> {
  const issuedAt = Math.floor(Date.now() / 1000);
  const expiresAt = issuedAt + limits.accessTokenLifetimeSeconds;
  const token = await new SignJWT({ dev: device.device_id })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(device.user_id)
    .setAudience(audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .sign(await serverKey(secret, "access"));
  return { access_token: token, access_expires_at: expiresAt * 1000 };
}

export async function verifyAccessToken(secret: string, token: string): Promise<DeviceRef> {
  const { sub, dev } = await verifiedClaims(secret, token);
  const device = deviceRefSchema.safeParse({ user_id: sub, device_id: dev });
  if (!device.success) throw new ProtocolError("unauthorized");
  return device.data;
}

async function verifiedClaims(secret: string, token: string): Promise<JWTPayload> {
  const key = await serverKey(secret, "access");
  const requirements = { algorithms: ["HS256"], audience, requiredClaims: ["sub", "exp"] };
  try {
    return (await jwtVerify(token, key, requirements)).payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) throw new ProtocolError("unauthorized");
    throw error;
  }
}
