/** GET /v1/account/devices and DELETE /v1/account/devices/:device_id: one's own devices, and logging one of them out. */
import { Hono } from "hono";
import { z } from "zod";
import { accountStub } from "../../../durable/names.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { deviceIdSchema } from "../../protocol/ids.ts";
import { admit } from "../admission.ts";
import type { EdgeEnv } from "../context.ts";

const deviceParamSchema = z
  .string()
  .regex(/^\d{1,10}$/)
  .transform(Number)
  .pipe(deviceIdSchema);

export const accountRoutes = new Hono<EdgeEnv>()
  .get("/devices", async (c) => {
    const self = await admit(c);
    const devices = await accountStub(c.env, self.user_id).devices(self.device_id);
    if (devices === null) throw new ProtocolError("revoked");
    return c.json({
      devices: devices.map((device) => ({
        device_id: device.device_id,
        name: device.name,
        created_at: device.created_at,
        is_this: device.device_id === self.device_id,
      })),
    });
  })
  .delete("/devices/:device_id", async (c) => {
    const self = await admit(c);
    const deviceId = deviceParamSchema.safeParse(c.req.param("device_id"));
    if (!deviceId.success) throw new ProtocolError("not_found");
    const refused = await accountStub(c.env, self.user_id).revokeDevice(self.device_id, deviceId.data);
    if (refused !== null) throw new ProtocolError(refused);
    return c.json({});
  });
