/**
 * PUT and GET /v1/conversations/:conversation_id/blobs/:hash: MLS objects too large to travel inside a request (E2). The
 * Conversation says who may and knows of an upload before its bytes are written; they go through here to R2.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { base64urlnopad } from "@scure/base";
import { Hono } from "hono";
import { blobKey } from "../../../durable/conversation/blobs.ts";
import { conversationStub } from "../../../durable/names.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { blobHashSchema } from "../../protocol/ids.ts";
import { limits } from "../../protocol/limits.ts";
import { admit } from "../admission.ts";
import { readBounded } from "../body.ts";
import type { EdgeContext, EdgeEnv } from "../context.ts";
import { conversationIdOf } from "./conversations.ts";

export const blobRoutes = new Hono<EdgeEnv>()
  .put("/:conversation_id/blobs/:hash", async (c) => {
    const asker = await admit(c);
    const [id, hash] = [conversationIdOf(c), hashOf(c)];
    const conversation = conversationStub(c.env, id);
    const announced = await conversation.announceBlob(asker, hash);
    if ("refused" in announced) throw new ProtocolError(announced.refused.code, announced.refused.details);
    const bytes = await readBounded(c.req.raw, limits.blobBytesMax);
    // Smaller ones travel inside the request that names them.
    if (bytes.length <= limits.blobInlineBytesMax)
      throw new ProtocolError("bad_frame", { where: "size: small objects are sent inline" });
    if (base64urlnopad.encode(sha256(bytes)) !== hash)
      throw new ProtocolError("bad_frame", { where: "hash: is of other bytes" });
    if (announced.state === "announced") {
      // The bytes may have taken their time, and their row be swept since: once more, for nothing lies there without one.
      const again = await conversation.announceBlob(asker, hash);
      if ("refused" in again) throw new ProtocolError(again.refused.code, again.refused.details);
      await c.env.MEDIA.put(blobKey(id, hash), bytes);
      await conversation.blobUploaded(hash, bytes.length);
    }
    return c.json({});
  })
  .get("/:conversation_id/blobs/:hash", async (c) => {
    const asker = await admit(c);
    const [id, hash] = [conversationIdOf(c), hashOf(c)];
    if (!(await conversationStub(c.env, id).mayReadBlob(asker, hash))) throw new ProtocolError("not_found");
    const object = await c.env.MEDIA.get(blobKey(id, hash));
    if (object === null) throw new ProtocolError("not_found");
    return new Response(object.body, {
      headers: { "content-type": "application/octet-stream", "content-length": String(object.size) },
    });
  });

function hashOf(c: EdgeContext): string {
  const hash = blobHashSchema.safeParse(c.req.param("hash"));
  if (!hash.success) throw new ProtocolError("not_found");
  return hash.data;
}
