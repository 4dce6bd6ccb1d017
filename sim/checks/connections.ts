/** Live sockets of an object, at the end of each of its turns [D4] [D5] [F6]. */
import type { SimObject } from "../runtime/sim-object.ts";
import type { History } from "./history.ts";
import type { Truth } from "./truth.ts";

/** As far as both kinds of attachment have it. */
interface Attachment {
  phase?: string;
  device_id?: number;
  device?: { user_id: string; device_id: number };
}

export function judgeConnections(
  object: SimObject,
  historyOf: (id: string) => History | undefined,
  truth: Truth,
): string | null {
  if (object.className === "Account" || object.wires.size === 0) return null;
  const seen = new Set<string>();
  for (const wire of object.wires) {
    const { device, device_id: deviceId, phase } = (wire.attachment ?? {}) as Attachment;
    if (wire.serverState !== 1 || (device === undefined && deviceId === undefined)) continue;
    const key = device === undefined ? `${object.id}.${deviceId}` : `${device.user_id}.${device.device_id}`;
    const rule = object.className === "Inbox" ? "D5" : "F6";
    if (seen.has(key)) return `[${rule}] ${key} has two live connections to ${object.name}`;
    seen.add(key);
    if (object.className !== "Inbox" || phase !== "live") continue;
    const wrong = heldThoughLive(object, Number(deviceId), key, historyOf, truth);
    if (wrong !== null) return wrong;
  }
  return null;
}

/** [D4] [D7] What is stored goes before what is live: nothing is, but what the device already has. */
function heldThoughLive(
  inbox: SimObject,
  deviceId: number,
  key: string,
  historyOf: (id: string) => History | undefined,
  truth: Truth,
): string | null {
  if (!inbox.storage.hasTable("held") || truth.isRestored(inbox.id)) return null;
  const rows = inbox.storage.rows(
    "SELECT conversation_id, MAX(seq) AS seq FROM held WHERE device_id = ? GROUP BY conversation_id",
    deviceId,
  );
  for (const { conversation_id: id, seq } of rows) {
    const history = historyOf(String(id));
    if (history === undefined || history.restores > 0) continue;
    // Out again before it took the chat in, it acknowledges what it does not keep.
    const hasDeclined = history.isOut(key) && truth.heldBy(key, history) === 0;
    if (Number(seq) > truth.heldBy(key, history) && !hasDeclined)
      return `[D4] ${key} is live, and entry ${seq} of ${history.object.name} is stored for it and not on it`;
  }
  return null;
}
