/**
 * How the Worker tells an object whose socket it forwards: it has checked the token and set these headers,
 * after removing any that the client sent. Objects are reachable only through the Worker.
 */
import { type DeviceRef, deviceRefSchema } from "../src/protocol/ids.ts";
import { subprotocol } from "../src/protocol/version.ts";

export const userHeader = "x-kittiwake-user";
export const deviceHeader = "x-kittiwake-device";

export function readIdentity(request: Request): DeviceRef {
  return deviceRefSchema.parse({
    user_id: request.headers.get(userHeader),
    device_id: Number(request.headers.get(deviceHeader)),
  });
}

/** The answer to an upgrade whose socket the object has taken. */
export function upgraded(client: WebSocket): Response {
  return new Response(null, {
    status: 101,
    webSocket: client,
    headers: { "sec-websocket-protocol": subprotocol },
  });
}

/** The local runtime does not echo a Close frame of a hibernating socket, so the client would see 1006. */
export function answerClose(ws: WebSocket, code: number, reason: string): void {
  if (ws.readyState === WebSocket.CLOSED) return;
  // Codes that say "no code" must not be sent.
  ws.close(code === 1005 || code === 1006 || code === 1015 ? 1000 : code, reason);
}
