/** POST /v1/directory/lookup: phone number → user id. The number travels in the body, so that no log of URLs has it. */
import { Hono } from "hono";
import { ProtocolError } from "../../protocol/errors.ts";
import { lookupRequestSchema } from "../../protocol/http.ts";
import { authenticate, limitLookup } from "../admission.ts";
import { readBody } from "../body.ts";
import type { EdgeEnv } from "../context.ts";
import { directoryOf } from "../directory-of.ts";
import { normalisePhone } from "../phone.ts";

export const directoryRoutes = new Hono<EdgeEnv>().post("/lookup", async (c) => {
  await limitLookup(c, await authenticate(c));
  const body = await readBody(c.req.raw, lookupRequestSchema);
  const phone = normalisePhone(body.phone);
  const directory = await directoryOf(c, phone);
  const { user_id } = await directory.lookUp();
  if (user_id === null) throw new ProtocolError("unknown_user");
  return c.json({ user_id, phone });
});
