/** What tests do to objects from outside: cut them off, wake their alarm, look into their rows, lose their answers. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import { Conversation } from "../../../durable/conversation/conversation.ts";
import { Inbox } from "../../../durable/inbox/inbox.ts";
import type { DeliverCall } from "../../../durable/rpc.ts";
import type { DeviceRef } from "../../../src/protocol/ids.ts";
import type { DirectChat } from "./direct-chat.ts";

/** Memory goes, sockets stay: as hibernation does, at a moment of our choosing [F10]. */
export async function hibernate(chat: DirectChat, ...users: DeviceRef[]): Promise<void> {
  for (const stub of [chat.conversation(), ...users.map((user) => chat.inbox(user))])
    await evict(stub, "hibernate");
}
async function evict(
  stub: DurableObjectStub<Conversation> | DurableObjectStub<Inbox>,
  webSockets: "hibernate" | "close",
) {
  // Only what runs can be evicted, and it may have gone by itself.
  await runInDurableObject(stub as DurableObjectStub<Inbox>, () => undefined);
  await evictDurableObject(stub, { webSockets });
}

/** Memory and sockets go: a crash, a deploy, a move [F11]. */
export async function crash(stub: DurableObjectStub<Conversation> | DurableObjectStub<Inbox>): Promise<void> {
  await evict(stub, "close");
}

/** Runs the Conversation's alarm now; false if none is armed. */
export function alarmOf(chat: DirectChat): Promise<boolean> {
  return runDurableObjectAlarm(chat.conversation());
}
export function inboxAlarmOf(chat: DirectChat, user: DeviceRef): Promise<boolean> {
  return runDurableObjectAlarm(chat.inbox(user));
}

/** Runs alarms, letting deadlines pass on a clock moved forward, until none is armed any more. */
export async function settle(chat: DirectChat, rounds = 10): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    if (!(await alarmOf(chat))) return;
    moveClock(3_000);
  }
  throw new Error("the Conversation keeps arming its alarm");
}

/** From now on the clock shows this much more. Undone by vi.restoreAllMocks. */
export function moveClock(byMs: number): void {
  const at = Date.now();
  const start = performance.now();
  vi.spyOn(Date, "now").mockImplementation(() => Math.floor(at + byMs + performance.now() - start));
}

export type Row = Record<string, SqlStorageValue>;
export function rowsOf(
  stub: DurableObjectStub<Conversation> | DurableObjectStub<Inbox>,
  query: string,
  ...values: SqlStorageValue[]
): Promise<Row[]> {
  return runInDurableObject(stub as DurableObjectStub<Inbox>, (_, state) => [
    ...state.storage.sql.exec<Row>(query, ...values),
  ]);
}
export async function armedAt(
  stub: DurableObjectStub<Conversation> | DurableObjectStub<Inbox>,
): Promise<number | null> {
  return await runInDurableObject(stub as DurableObjectStub<Inbox>, (_, state) => state.storage.getAlarm());
}
export async function heldSeqs(chat: DirectChat, device: DeviceRef): Promise<number[]> {
  const rows = await rowsOf(
    chat.inbox(device),
    "SELECT seq FROM held WHERE device_id = ? AND conversation_id = ? ORDER BY seq",
    device.device_id,
    chat.id,
  );
  return rows.map((row) => Number(row.seq));
}

/** Calls of `deliver`, as Inboxes got them. */
export function watchDeliver(): { calls: DeliverCall[] } {
  const calls: DeliverCall[] = [];
  const { deliver } = Inbox.prototype;
  vi.spyOn(Inbox.prototype, "deliver").mockImplementation(async function (this: Inbox, call) {
    calls.push(call);
    return await deliver.call(this, call);
  });
  return { calls };
}

/** The next `times` deliveries fail before they do anything, or after they have done it: the answer is lost. */
export function failDeliver(when: "before" | "after", times = 1): void {
  const { deliver } = Inbox.prototype;
  let left = times;
  vi.spyOn(Inbox.prototype, "deliver").mockImplementation(async function (this: Inbox, call) {
    const fails = left > 0;
    left -= 1;
    if (fails && when === "before") throw new Error("planned: the call is lost");
    const answer = await deliver.call(this, call);
    if (fails) throw new Error("planned: the answer is lost");
    return answer;
  });
}
export function failAcked(times: number): void {
  const { acked } = Conversation.prototype;
  let left = times;
  vi.spyOn(Conversation.prototype, "acked").mockImplementation(async function (
    this: Conversation,
    userId,
    reports,
  ) {
    left -= 1;
    if (left >= 0) throw new Error("planned: the call is lost");
    return await acked.call(this, userId, reports);
  });
}

/** Waits for a condition on the objects' state, bounded. */
export async function eventually(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = performance.now() + 12_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
