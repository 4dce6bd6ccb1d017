/** Gap fetch by pages [D3]: entries after a seq, bounded, with an explicit end. */
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { ConversationCore } from "./core.ts";
import { deviceOf } from "./roster.ts";

/**
 * JSON text of a page for this device, or null when it may read nothing. Members read from their joining on, and
 * who left up to the entry that removed them [F8].
 */
export function readPage(
  core: ConversationCore,
  asker: DeviceRef,
  after: number,
  limit: number,
): string | null {
  const { loaded } = core;
  const device = loaded === null ? undefined : deviceOf(loaded.identity.roster, asker);
  if (loaded === null || device === undefined || device.gone === true) return null;
  const end = device.left_seq ?? loaded.head.seq;
  const from = Math.max(after + 1, device.joined_seq);
  const to = Math.min(end, from + limit - 1);
  const entries = from > to ? [] : core.cache.range(from, to, limits.pageBytesMax);
  const last = entries.at(-1);
  const { logId } = loaded.identity;
  const header = JSON.stringify({
    conversation_id: core.id,
    log_id: logId,
    head: end,
    first_seq: device.joined_seq,
    more: last !== undefined && last.seq < end,
    ...(last !== undefined && { mac: core.mac(logId, last.seq, last.message_id) }),
  });
  return `${header.slice(0, -1)},"entries":[${entries.map((entry) => entry.json).join(",")}]}`;
}
