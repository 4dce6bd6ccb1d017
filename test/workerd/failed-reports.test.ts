/** [F5] Reports whose call failed are written down and repeated by the alarm: all of them, with a back-off that lasts. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Conversation } from "../../durable/conversation/conversation.ts";
import { limits } from "../../src/protocol/limits.ts";
import { foundDirectChat, newUserId } from "./support/direct-chat.ts";
import { armedAt, failAcked, hibernate, inboxAlarmOf, rowsOf } from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("failed reports", () => {
  it("have an alarm after every wake, also where a restored object came without one", async () => {
    const chat = await foundDirectChat();
    const inbox = chat.inbox(chat.bob);
    await runInDurableObject(inbox, async (_, { storage }) => {
      storage.sql.exec(
        "INSERT INTO failed_reports (conversation_id, device_id, acked, read) VALUES (?, 1, 1, 0)",
        chat.id,
      );
      await storage.deleteAlarm();
    });
    await hibernate(chat, chat.bob);
    await inbox.conversations(1, null);
    expect(await armedAt(inbox)).not.toBeNull();
    await inboxAlarmOf(chat, chat.bob);
    expect(await rowsOf(inbox, "SELECT 1 FROM failed_reports")).toEqual([]);
  });

  it("are all repeated in one alarm, a bounded number at a time", async () => {
    const chat = await foundDirectChat();
    await runInDurableObject(chat.inbox(chat.bob), async (_, { storage }) => {
      for (let i = 0; i < 250; i++) {
        const id = `${newUserId()}${newUserId().slice(1)}`;
        storage.sql.exec(
          "INSERT INTO failed_reports (conversation_id, device_id, acked, read) VALUES (?, 1, 1, 0)",
          id,
        );
      }
      await storage.setAlarm(Date.now() + 60_000);
    });
    let running = 0;
    let most = 0;
    let calls = 0;
    vi.spyOn(Conversation.prototype, "acked").mockImplementation(async (_, reports) => {
      calls += 1;
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running -= 1;
      return { log_id: "", answers: reports.map(() => ({ acked: 1, read_confirmed: 0 })) };
    });
    await inboxAlarmOf(chat, chat.bob);
    expect(calls).toBe(250);
    expect(most).toBeLessThanOrEqual(limits.reportsRepeatedAtOnceMax);
    expect(await rowsOf(chat.inbox(chat.bob), "SELECT 1 FROM failed_reports")).toEqual([]);
    expect(await armedAt(chat.inbox(chat.bob))).toBeNull();
  });

  it("are backed off from further with each failure, and hibernation does not begin it anew", async () => {
    const chat = await foundDirectChat();
    failAcked(Number.POSITIVE_INFINITY);
    await chat.inbox(chat.bob).poll(1, { reports: [{ conversation_id: chat.id, acked: 1 }], wait_ms: 0 });
    for (let failures = 1; failures <= 9; failures++) {
      await inboxAlarmOf(chat, chat.bob);
      const delay = ((await armedAt(chat.inbox(chat.bob))) ?? 0) - Date.now();
      const most = Math.min(limits.alarmBackoffMsMax, limits.alarmDelayMs * 2 ** failures);
      expect(delay).toBeLessThanOrEqual(most);
      expect(delay).toBeGreaterThan(most / 2 - 1_000);
      await hibernate(chat, chat.bob);
    }
    vi.restoreAllMocks();
    await inboxAlarmOf(chat, chat.bob);
    expect(await armedAt(chat.inbox(chat.bob))).toBeNull();
    expect(await rowsOf(chat.inbox(chat.bob), "SELECT failed_alarms FROM store")).toEqual([
      { failed_alarms: 0 },
    ]);
  });
});
