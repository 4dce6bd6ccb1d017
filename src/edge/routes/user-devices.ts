/** GET /v1/users/:user_id/devices: which devices a chat with that user is founded for. */
import { Hono } from "hono";
import { accountStub } from "../../../durable/names.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { userIdSchema } from "../../protocol/ids.ts";
import { admit } from "../admission.ts";
import type { EdgeEnv } from "../context.ts";

export const userRoutes = new Hono<EdgeEnv>().get("/:user_id/devices", async (c) => {
  await admit(c);
  const userId = userIdSchema.safeParse(c.req.param("user_id"));
  if (!userId.success) throw new ProtocolError("not_found");
  const devices = await accountStub(c.env, userId.data).activeDevices();
  if (devices === null) throw new ProtocolError("not_found");
  return c.json({ user_id: userId.data, devices });
});
