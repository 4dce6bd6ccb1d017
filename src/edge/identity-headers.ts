/**
 * How the verified identity travels with a socket upgrade: headers that only the Worker sets. What a client sent under
 * these names is replaced, and its token goes no further than the Worker.
 */
import { deviceHeader, userHeader } from "../../durable/identity.ts";
import type { DeviceRef } from "../protocol/ids.ts";
import { subprotocol } from "../protocol/version.ts";

const ownPrefix = "x-kittiwake-";

export function identifiedRequest(request: Request, device: DeviceRef): Request {
  const headers = new Headers(request.headers);
  for (const name of [...headers.keys()]) {
    if (name.startsWith(ownPrefix)) headers.delete(name);
  }
  headers.delete("authorization");
  headers.delete("cookie");
  headers.set("sec-websocket-protocol", subprotocol);
  headers.set(userHeader, device.user_id);
  headers.set(deviceHeader, String(device.device_id));
  return new Request(request.url, { method: "GET", headers });
}
