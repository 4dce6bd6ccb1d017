/**
 * GET /v1/inbox/socket and /v1/conversations/:conversation_id/socket: WebSocket upgrades. The Worker checks the token
 * and hands the upgrade on; the object holds the socket, so that it can hibernate. Browsers see no HTTP status of a
 * failed upgrade: refusals are sockets that open and close with a code.
 */
import { Hono } from "hono";
import { conversationStub, inboxStub } from "../../../durable/names.ts";
import { type CloseName, closeCodes } from "../../protocol/close-codes.ts";
import { type ErrorCode, ProtocolError } from "../../protocol/errors.ts";
import { conversationIdSchema, type DeviceRef } from "../../protocol/ids.ts";
import { parseOfferedProtocols, subprotocol, tokenProtocolPrefix } from "../../protocol/version.ts";
import { authenticateToken, bearerToken, limitDevice } from "../admission.ts";
import type { EdgeContext, EdgeEnv } from "../context.ts";
import { identifiedRequest } from "../identity-headers.ts";

export const inboxSocketRoutes = new Hono<EdgeEnv>().get("/socket", (c) =>
  upgrade(c, async (device) => inboxStub(c.env, device.user_id)),
);

export const conversationSocketRoutes = new Hono<EdgeEnv>().get("/:conversation_id/socket", (c) =>
  upgrade(c, async () => {
    const id = conversationIdSchema.safeParse(c.req.param("conversation_id"));
    if (!id.success) throw new ProtocolError("not_found");
    return conversationStub(c.env, id.data);
  }),
);

type SocketHolder = Pick<Fetcher, "fetch">;

async function upgrade(
  c: EdgeContext,
  holder: (device: DeviceRef) => Promise<SocketHolder>,
): Promise<Response> {
  if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
    throw new ProtocolError("bad_frame", { where: "upgrade: this is a WebSocket" });
  }
  const header = c.req.header("sec-websocket-protocol") ?? null;
  try {
    const offered = parseOfferedProtocols(header);
    if (!offered.versionOffered) throw new ProtocolError("unsupported_version");
    const device = await authenticateToken(c, offered.token ?? bearerToken(c.req.header("authorization")));
    await limitDevice(c, device);
    const object = await holder(device);
    return await object.fetch(identifiedRequest(c.req.raw, device));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return refusedSocket(header, closeNameOf(error.code));
  }
}

function closeNameOf(code: ErrorCode): CloseName {
  switch (code) {
    case "unauthorized":
      return "unauthorized";
    case "unsupported_version":
      return "unsupportedVersion";
    case "not_found":
      return "notFound";
    case "rate_limited":
      return "busy";
    default:
      return "internal";
  }
}

function refusedSocket(header: string | null, close: CloseName): Response {
  const pair = new WebSocketPair();
  pair[1].accept();
  pair[1].close(closeCodes[close].code, closeCodes[close].reason);
  const headers = new Headers();
  const echoed = echoedProtocol(header);
  if (echoed !== undefined) headers.set("sec-websocket-protocol", echoed);
  return new Response(null, { status: 101, webSocket: pair[0], headers });
}

/** Browsers drop a connection that answers none of the offered protocols, and never see its close code. */
function echoedProtocol(header: string | null): string | undefined {
  const offered = (header ?? "").split(",").map((item) => item.trim());
  if (offered.includes(subprotocol)) return subprotocol;
  return offered.find((item) => item !== "" && !item.startsWith(tokenProtocolPrefix));
}
