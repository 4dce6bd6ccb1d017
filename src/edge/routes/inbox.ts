/** POST /v1/inbox/poll (receiving without a socket) and GET /v1/inbox/conversations (the chat list, newest first). */
import { Hono } from "hono";
import { inboxStub } from "../../../durable/names.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { chatListQuerySchema, pollRequestSchema } from "../../protocol/http.ts";
import { admit } from "../admission.ts";
import { check, readBody } from "../body.ts";
import type { EdgeEnv } from "../context.ts";
import { jsonText } from "../json-text.ts";

export const inboxRoutes = new Hono<EdgeEnv>()
  .post("/poll", async (c) => {
    const device = await admit(c);
    const request = await readBody(c.req.raw, pollRequestSchema);
    const answer = await inboxStub(c.env, device.user_id).poll(device.device_id, request);
    if (answer === null) throw new ProtocolError("revoked");
    return jsonText(answer);
  })
  .get("/conversations", async (c) => {
    const device = await admit(c);
    const { before } = check(chatListQuerySchema, c.req.query());
    const list = await inboxStub(c.env, device.user_id).conversations(device.device_id, before ?? null);
    if (list === null) throw new ProtocolError("revoked");
    return c.json(list);
  });
