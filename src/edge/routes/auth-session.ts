/** POST /v1/auth/refresh and /v1/auth/logout: a login's life after it began. */
import { Hono } from "hono";
import { accountStub } from "../../../durable/names.ts";
import { readConfig } from "../../config.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { refreshRequestSchema } from "../../protocol/http.ts";
import { authenticate } from "../admission.ts";
import { readBody } from "../body.ts";
import type { EdgeEnv } from "../context.ts";
import { verifyRefreshToken } from "../refresh-token.ts";
import { signTokens } from "../tokens.ts";

export const authSessionRoutes = new Hono<EdgeEnv>()
  .post("/refresh", async (c) => {
    const { refresh_token } = await readBody(c.req.raw, refreshRequestSchema);
    const secret = readConfig(c.env).SERVER_SECRET;
    const { user_id, device_id, family, generation } = await verifyRefreshToken(secret, refresh_token);
    const grant = await accountStub(c.env, user_id).refresh(device_id, { family, generation });
    if ("refused" in grant) throw new ProtocolError(grant.refused);
    return c.json(await signTokens(secret, { user_id, device_id }, grant));
  })
  .post("/logout", async (c) => {
    const device = await authenticate(c);
    const refused = await accountStub(c.env, device.user_id).revokeDevice(device.device_id, device.device_id);
    if (refused !== null) throw new ProtocolError(refused);
    return c.json({});
  });
