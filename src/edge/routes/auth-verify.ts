/**
 * POST /v1/auth/verify: code → user and device. The Directory decides in one step who the number belongs to, then the
 * Account links the device. Both are idempotent for the same installation, so a lost answer is asked for again.
 */
import { Hono } from "hono";
import { newUserId } from "../../../durable/account/user-id.ts";
import type { VerifyCall } from "../../../durable/directory/phone-record.ts";
import { accountStub } from "../../../durable/names.ts";
import { readConfig } from "../../config.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { verifyRequestSchema } from "../../protocol/http.ts";
import { readBody } from "../body.ts";
import { codeSender } from "../code-sender/configured.ts";
import type { EdgeContext, EdgeEnv } from "../context.ts";
import { directoryOf } from "../directory-of.ts";
import { codeHash } from "../one-time-code.ts";
import { normalisePhone } from "../phone.ts";
import { signTokens } from "../tokens.ts";

export const authVerifyRoutes = new Hono<EdgeEnv>().post("/", async (c) => {
  const body = await readBody(c.req.raw, verifyRequestSchema);
  const userId = await verifiedUser(c, normalisePhone(body.phone), body.code, body.installation_id);
  const call = { installation_id: body.installation_id, name: body.device_name };
  const linked = await accountStub(c.env, userId).addDevice(call);
  if ("refused" in linked) throw new ProtocolError(linked.refused);
  const device = { user_id: userId, device_id: linked.device_id };
  const grant = { family: linked.family, generation: linked.generation };
  return c.json(await signTokens(readConfig(c.env).SERVER_SECRET, device, grant));
});

async function verifiedUser(
  c: EdgeContext,
  phone: string,
  code: string,
  installationId: string,
): Promise<string> {
  const hash = await codeHash(readConfig(c.env).SERVER_SECRET, phone, code);
  const call = { code_hash: hash, installation_id: installationId, candidate_user_id: newUserId() };
  const directory = await directoryOf(c, phone);
  const outcome = await directory.verifyCode(call);
  if ("ask" in outcome) return await verifiedElsewhere(c, phone, code, call);
  if ("refused" in outcome) throw new ProtocolError(outcome.refused.code, outcome.refused.details);
  return outcome.user_id;
}

/** The code lives at a service; the Directory has counted the attempt and learns of the approval. */
async function verifiedElsewhere(
  c: EdgeContext,
  phone: string,
  code: string,
  call: VerifyCall,
): Promise<string> {
  const sender = codeSender(readConfig(c.env));
  // The code was asked for under another configuration.
  if (!sender.holdsCode) throw new ProtocolError("code_expired");
  const result = await sender.check(phone, code);
  if (result === "wrong") throw new ProtocolError("wrong_code");
  if (result === "expired") throw new ProtocolError("code_expired");
  if (result === "too_many") throw new ProtocolError("too_many_attempts");
  const directory = await directoryOf(c, phone);
  const outcome = await directory.confirmCode(call);
  if ("refused" in outcome) throw new ProtocolError(outcome.refused.code, outcome.refused.details);
  if ("ask" in outcome) throw new Error("a confirmation is never asked about");
  return outcome.user_id;
}
