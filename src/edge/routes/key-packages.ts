/** [E6] /v1/account/key-packages: a device's own. POST /v1/key-packages/claim: those of up to 64 users in one request. */
import { Hono } from "hono";
import type { z } from "zod";
import { accountStub, conversationStub } from "../../../durable/names.ts";
import type { Bindings } from "../../config.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { type DeviceRef, directConversationId } from "../../protocol/ids.ts";
import { claimRequestSchema, keyPackagesRequestSchema } from "../../protocol/mls.ts";
import { admit } from "../admission.ts";
import { readBody } from "../body.ts";
import type { EdgeContext, EdgeEnv } from "../context.ts";

type ClaimRequest = z.infer<typeof claimRequestSchema>;

export const ownKeyPackageRoutes = new Hono<EdgeEnv>()
  .put("/", async (c) => {
    const device = await admit(c);
    const { packages } = await readBody(c.req.raw, keyPackagesRequestSchema);
    const refused = await accountStub(c.env, device.user_id).storeKeyPackages(device.device_id, packages);
    if (refused !== null) throw new ProtocolError(refused.code, refused.details);
    return await counts(c, device);
  })
  .get("/", async (c) => await counts(c, await admit(c)));

export const claimRoutes = new Hono<EdgeEnv>().post("/claim", async (c) => {
  const claimer = await admit(c);
  const { suite, user_ids } = await readBody(c.req.raw, claimRequestSchema);
  const userIds = [...new Set(user_ids)];
  const waitMs = await accountStub(c.env, claimer.user_id).takeClaims(claimer.device_id, userIds.length);
  if (waitMs === null) throw new ProtocolError("revoked");
  if (waitMs > 0) throw new ProtocolError("rate_limited", { retry_after_ms: waitMs });
  const users = await Promise.all(userIds.map((userId) => claimOf(c.env, claimer, userId, suite)));
  return c.json({ users });
});

async function counts(c: EdgeContext, device: DeviceRef): Promise<Response> {
  const counted = await accountStub(c.env, device.user_id).countKeyPackages(device.device_id);
  if (counted === null) throw new ProtocolError("revoked");
  return c.json(counted);
}

/** No devices for a user who is not here. */
async function claimOf(env: Bindings, claimer: DeviceRef, userId: string, suite: ClaimRequest["suite"]) {
  const isStranger = userId !== claimer.user_id && !(await hasDirectChat(env, claimer, userId));
  const devices = await accountStub(env, userId).claimKeyPackages({ claimer, suite, isStranger });
  return { user_id: userId, devices: devices ?? [] };
}

async function hasDirectChat(env: Bindings, claimer: DeviceRef, userId: string): Promise<boolean> {
  const id = await directConversationId(claimer.user_id, userId);
  const state = await conversationStub(env, id).state(claimer);
  return state?.kind === "direct";
}
