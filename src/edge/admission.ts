/**
 * Who asks, and may they ask so often. Identity comes from the access token alone, never from a body or a URL.
 * The limiters count per Cloudflare location: they damp abuse; what must hold exactly is counted in objects.
 */
import type { MiddlewareHandler } from "hono";
import { readConfig } from "../config.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { type DeviceRef, deviceKey } from "../protocol/ids.ts";
import { verifyAccessToken } from "./access-token.ts";
import type { EdgeContext, EdgeEnv } from "./context.ts";

/** The verified device of this request. */
export async function authenticate(c: EdgeContext): Promise<DeviceRef> {
  return await authenticateToken(c, bearerToken(c.req.header("authorization")));
}

export async function authenticateToken(c: EdgeContext, token: string | null): Promise<DeviceRef> {
  if (token === null) throw new ProtocolError("unauthorized");
  return await verifyAccessToken(readConfig(c.env).SERVER_SECRET, token);
}

export function bearerToken(header: string | undefined): string | null {
  return /^Bearer ([\w.-]+)$/i.exec(header ?? "")?.[1] ?? null;
}

/** Authenticates, and counts the request against its device. */
export async function admit(c: EdgeContext): Promise<DeviceRef> {
  const device = await authenticate(c);
  await limitDevice(c, device);
  return device;
}

export async function limitDevice(c: EdgeContext, device: DeviceRef): Promise<void> {
  await limit(c.env.REQUEST_LIMITER, deviceKey(device));
}

/** Looking numbers up is how address books are harvested, so it counts per user, with the stricter limiter. */
export async function limitLookup(c: EdgeContext, device: DeviceRef): Promise<void> {
  await limit(c.env.AUTH_LIMITER, `lookup:${device.user_id}`);
}

/** For routes that nobody is logged in for: by client address and route. */
export const limitAddress: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  // Cloudflare sets this header and overwrites what a client sent; only local runtimes lack it.
  const address = c.req.header("cf-connecting-ip") ?? "local";
  await limit(c.env.AUTH_LIMITER, `${c.req.path}:${address}`);
  await next();
};

async function limit(limiter: RateLimit, key: string): Promise<void> {
  const { success } = await limiter.limit({ key });
  if (!success) throw new ProtocolError("rate_limited", { retry_after_ms: 60_000 });
}
