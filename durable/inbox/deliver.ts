/**
 * What an Inbox does with entries [F1] [F4]: written to the live socket of a device (handed, nothing stored), or stored
 * (held). It answers at once, per device, and waits for nobody.
 */

import { entriesFrame } from "../out-frames.ts";
import type { DeliverAnswer, DeliverCall, DeliveredEntry, DeliverStatus } from "../rpc.ts";
import type { InboxCore } from "./core.ts";

export function deliver(core: InboxCore, call: DeliverCall): DeliverAnswer {
  if (!core.remembered.sees(call)) return { expected: core.remembered.seen(call.conversation_id) + 1 };
  const statuses: Record<number, DeliverStatus> = {};
  const toStore = new Map<number, DeliveredEntry[]>();
  for (const deviceId of call.devices) {
    const lacking = lackedBy(core, deviceId, call);
    if (core.devices.isRevoked(deviceId)) statuses[deviceId] = "gone";
    // Its Account knows it and has not told this Inbox yet: no answer for it, and the Conversation asks again [F4].
    else if (!core.devices.isActive(deviceId)) continue;
    else if (lacking.length === 0) statuses[deviceId] = "acked";
    else if (handTo(core, deviceId, call, lacking)) statuses[deviceId] = "handed";
    else {
      statuses[deviceId] = "held";
      toStore.set(deviceId, lacking);
    }
  }
  if (toStore.size === 0) core.chatList.note(call);
  else store(core, call, toStore);
  for (const deviceId of toStore.keys()) core.stored(deviceId);
  return { devices: statuses };
}

/** Neither the device's own entries nor what it is remembered to have acknowledged. */
function lackedBy(core: InboxCore, deviceId: number, call: DeliverCall): DeliveredEntry[] {
  const acked = core.remembered.acked(deviceId, call.conversation_id);
  return call.entries.filter((entry) => entry.seq > acked && entry.author_device !== deviceId);
}

/** [D4] [D7] Only to a device that is live and has room in its window; `hold` is for those that missed a deadline. */
function handTo(core: InboxCore, deviceId: number, call: DeliverCall, entries: DeliveredEntry[]): boolean {
  const connection = core.sockets.ofDevice(deviceId);
  if (call.hold || connection?.phase !== "live" || !core.remembered.fits(deviceId, entries)) return false;
  core.remembered.hand(deviceId, call, entries);
  const texts = entries.map((entry) => entry.json);
  connection.out.push(entriesFrame(call.conversation_id, call.log_id, texts, proofFor(call, entries)));
  connection.confirmRead(call.conversation_id, call.read_confirmed);
  connection.out.flush();
  return true;
}

/** The MAC is of the call's last entry: worthless to a device that does not get that one. */
function proofFor(call: DeliverCall, entries: readonly DeliveredEntry[]): string | null {
  return entries.at(-1)?.seq === call.to ? call.mac : null;
}

function store(core: InboxCore, call: DeliverCall, toStore: Map<number, DeliveredEntry[]>): void {
  core.ctx.storage.transactionSync(() => {
    core.chatList.note(call);
    for (const [deviceId, entries] of toStore) core.keep(deviceId, call, entries);
  });
}
