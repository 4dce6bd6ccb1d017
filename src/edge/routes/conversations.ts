/**
 * /v1/conversations/:conversation_id: reading and sending by HTTP. Who may is decided by the Conversation, which is
 * asked whether or not it exists: to a stranger both look and take the same.
 */
import { Hono } from "hono";
import { conversationStub } from "../../../durable/names.ts";
import type { SubmitOutcome } from "../../../durable/rpc.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import {
  commitRequestSchema,
  foundRequestSchema,
  messageRequestSchema,
  pageQuerySchema,
} from "../../protocol/http.ts";
import { conversationIdSchema } from "../../protocol/ids.ts";
import { limits } from "../../protocol/limits.ts";
import { leaveRequestSchema } from "../../protocol/mls.ts";
import type { Accepted } from "../../protocol/send.ts";
import { admit } from "../admission.ts";
import { check, readBody } from "../body.ts";
import type { EdgeContext, EdgeEnv } from "../context.ts";
import { areActive, foundConversation } from "../founding.ts";
import { jsonText } from "../json-text.ts";

export const conversationRoutes = new Hono<EdgeEnv>()
  .put("/:conversation_id", async (c) => {
    const author = await admit(c);
    const id = conversationIdOf(c);
    const request = await readBody(c.req.raw, foundRequestSchema, limits.commitBodyBytesMax);
    return c.json(await foundConversation(c.env, author, id, request));
  })
  .get("/:conversation_id", async (c) => {
    const asker = await admit(c);
    const state = await conversationStub(c.env, conversationIdOf(c)).state(asker);
    return c.json(orNotFound(state));
  })
  .get("/:conversation_id/entries", async (c) => {
    const asker = await admit(c);
    const id = conversationIdOf(c);
    const { after, limit } = check(pageQuerySchema, c.req.query());
    const page = await conversationStub(c.env, id).page(asker, after, limit);
    return jsonText(orNotFound(page));
  })
  .post("/:conversation_id/messages", async (c) => {
    const author = await admit(c);
    const id = conversationIdOf(c);
    const message = await readBody(c.req.raw, messageRequestSchema);
    const [outcome] = await conversationStub(c.env, id).submit(author, [message]);
    return c.json(accepted(outcome));
  })
  .post("/:conversation_id/commits", async (c) => {
    const author = await admit(c);
    const id = conversationIdOf(c);
    const request = await readBody(c.req.raw, commitRequestSchema, limits.commitBodyBytesMax);
    const areAddedActive = await areActive(c.env, request.roster_change.add);
    const call = { author, request, areActive: areAddedActive };
    return c.json(accepted(await conversationStub(c.env, id).commit(call)));
  })
  .post("/:conversation_id/leave", async (c) => {
    const author = await admit(c);
    const id = conversationIdOf(c);
    const request = await readBody(c.req.raw, leaveRequestSchema);
    return c.json(accepted(await conversationStub(c.env, id).leave(author, request)));
  })
  .get("/:conversation_id/welcome", async (c) => {
    const asker = await admit(c);
    return c.json(orNotFound(await conversationStub(c.env, conversationIdOf(c)).welcome(asker)));
  })
  .get("/:conversation_id/group-info", async (c) => {
    const asker = await admit(c);
    return c.json(orNotFound(await conversationStub(c.env, conversationIdOf(c)).groupInfo(asker)));
  });

function accepted(outcome: SubmitOutcome | undefined): Accepted {
  if (outcome === undefined) throw new Error("the Conversation answered nothing to a submission");
  if ("refused" in outcome) throw new ProtocolError(outcome.refused.code, outcome.refused.details);
  return outcome.accepted;
}

function orNotFound<T>(answer: T | null): T {
  if (answer === null) throw new ProtocolError("not_found");
  return answer;
}

export function conversationIdOf(c: EdgeContext): string {
  const id = conversationIdSchema.safeParse(c.req.param("conversation_id"));
  if (!id.success) throw new ProtocolError("not_found");
  return id.data;
}
