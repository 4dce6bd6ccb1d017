/**
 * /v1/conversations/:conversation_id: reading and sending by HTTP. Who may is decided by the Conversation, which is
 * asked whether or not it exists: to a stranger both look and take the same.
 */
import { Hono } from "hono";
import { conversationStub } from "../../../durable/names.ts";
import type { Submission } from "../../../durable/rpc.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import {
  commitRequestSchema,
  foundRequestSchema,
  messageRequestSchema,
  pageQuerySchema,
} from "../../protocol/http.ts";
import { conversationIdSchema, type DeviceRef } from "../../protocol/ids.ts";
import type { Accepted } from "../../protocol/send.ts";
import { admit } from "../admission.ts";
import { check, readBody } from "../body.ts";
import type { EdgeContext, EdgeEnv } from "../context.ts";
import { foundConversation } from "../founding.ts";
import { jsonText } from "../json-text.ts";

export const conversationRoutes = new Hono<EdgeEnv>()
  .put("/:conversation_id", async (c) => {
    const author = await admit(c);
    const id = conversationIdOf(c);
    const request = await readBody(c.req.raw, foundRequestSchema);
    return c.json(await foundConversation(c.env, author, id, request));
  })
  .get("/:conversation_id", async (c) => {
    const asker = await admit(c);
    const state = await conversationStub(c.env, conversationIdOf(c)).state(asker);
    if (state === null) throw new ProtocolError("not_found");
    return c.json(state);
  })
  .get("/:conversation_id/entries", async (c) => {
    const asker = await admit(c);
    const id = conversationIdOf(c);
    const { after, limit } = check(pageQuerySchema, c.req.query());
    const page = await conversationStub(c.env, id).page(asker, after, limit);
    if (page === null) throw new ProtocolError("not_found");
    return jsonText(page);
  })
  .post("/:conversation_id/messages", async (c) => {
    const author = await admit(c);
    const id = conversationIdOf(c);
    const message = await readBody(c.req.raw, messageRequestSchema);
    return c.json(await submit(c, id, author, message));
  })
  .post("/:conversation_id/commits", async (c) => {
    const author = await admit(c);
    const id = conversationIdOf(c);
    const commit = await readBody(c.req.raw, commitRequestSchema);
    return c.json(await submit(c, id, author, { ...commit, silent: true }));
  });

async function submit(
  c: EdgeContext,
  id: string,
  author: DeviceRef,
  submission: Submission,
): Promise<Accepted> {
  const [outcome] = await conversationStub(c.env, id).submit(author, [submission]);
  if (outcome === undefined) throw new Error("the Conversation answered nothing to a submission");
  if ("refused" in outcome) throw new ProtocolError(outcome.refused.code, outcome.refused.details);
  return outcome.accepted;
}

function conversationIdOf(c: EdgeContext): string {
  const id = conversationIdSchema.safeParse(c.req.param("conversation_id"));
  if (!id.success) throw new ProtocolError("not_found");
  return id.data;
}
