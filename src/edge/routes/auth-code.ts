/** POST /v1/auth/code: sends a one-time code. The answer is the same whether or not the number is registered. */
import { Hono } from "hono";
import { readConfig } from "../../config.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { codeRequestSchema } from "../../protocol/http.ts";
import { limits } from "../../protocol/limits.ts";
import { readBody } from "../body.ts";
import { codeSender } from "../code-sender/configured.ts";
import type { EdgeContext, EdgeEnv } from "../context.ts";
import { directoryOf } from "../directory-of.ts";
import { codeHash, randomCode } from "../one-time-code.ts";
import { normalisePhone } from "../phone.ts";

export const authCodeRoutes = new Hono<EdgeEnv>().post("/", async (c) => {
  const body = await readBody(c.req.raw, codeRequestSchema);
  const sent = await sendCode(c, normalisePhone(body.phone));
  return c.json({ expires_in_seconds: limits.codeLifetimeMs / 1000, ...sent });
});

/** The Directory counts first, so that however many requests come at once, no more codes go out than allowed. */
async function sendCode(c: EdgeContext, phone: string): Promise<{ development_code?: string }> {
  const config = readConfig(c.env);
  const sender = codeSender(config);
  if (sender.holdsCode) {
    await countSend(c, phone, null);
    await sender.start(phone);
    return {};
  }
  const code = randomCode();
  await countSend(c, phone, await codeHash(config.SERVER_SECRET, phone, code));
  return await sender.send(phone, code);
}

async function countSend(c: EdgeContext, phone: string, hash: string | null): Promise<void> {
  const directory = await directoryOf(c, phone);
  const outcome = await directory.startCode(hash);
  if ("refused" in outcome) throw new ProtocolError(outcome.refused.code, outcome.refused.details);
}
