/** PUT /v1/account/profile and GET /v1/users/:user_id/profile: ciphertext that only holders of the profile key can read. */
import { Hono } from "hono";
import { accountStub } from "../../../durable/names.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { userIdSchema } from "../../protocol/ids.ts";
import { profileSchema } from "../../protocol/mls.ts";
import { admit } from "../admission.ts";
import { readBody } from "../body.ts";
import type { EdgeEnv } from "../context.ts";

export const ownProfileRoutes = new Hono<EdgeEnv>().put("/", async (c) => {
  const device = await admit(c);
  const { sealed } = await readBody(c.req.raw, profileSchema);
  const refused = await accountStub(c.env, device.user_id).storeProfile(device.device_id, sealed);
  if (refused !== null) throw new ProtocolError(refused.code, refused.details);
  return c.json({});
});

export const profileRoutes = new Hono<EdgeEnv>().get("/:user_id/profile", async (c) => {
  await admit(c);
  const userId = userIdSchema.safeParse(c.req.param("user_id"));
  const sealed = userId.success ? await accountStub(c.env, userId.data).profile() : null;
  if (sealed === null) throw new ProtocolError("not_found");
  return c.json({ sealed });
});
