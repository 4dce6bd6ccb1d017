import { describe, expect, it } from "vitest";
import type { Message, MessageStatus } from "../../../src/client/contract.ts";
import { deviceName } from "../../../src/web/text/device-name.ts";
import { groupByDay } from "../../../src/web/text/message-days.ts";
import { previewText } from "../../../src/web/text/message-text.ts";
import { formatPhone, readPhone } from "../../../src/web/text/phone.ts";
import { tickOf } from "../../../src/web/text/ticks.ts";
import { dayLabel, listTime } from "../../../src/web/text/times.ts";

const berlin = { locale: "en-GB", timeZone: "Europe/Berlin" };
const at = (text: string): number => Date.parse(text);

function message(change: Partial<Message>): Message {
  return {
    conversationId: "c1",
    messageId: `id-${Math.random()}`,
    seq: 1,
    isOwn: false,
    senderId: "peer",
    senderName: "Grace",
    sentAtMs: 0,
    body: { type: "text", text: "hello" },
    status: null,
    failure: null,
    ...change,
  };
}

describe("grouping by day", () => {
  const now = at("2026-11-24T12:00:00+01:00");

  it("splits at the user's midnight, not at that of UTC", () => {
    const days = groupByDay(
      [
        message({ sentAtMs: at("2026-11-23T23:59:00+01:00") }),
        message({ sentAtMs: at("2026-11-24T00:01:00+01:00") }),
        message({ sentAtMs: at("2026-11-24T01:01:00+01:00") }),
      ],
      now,
      berlin,
    );
    expect(days.map((day) => [day.label, day.items.length])).toEqual([
      ["Yesterday", 1],
      ["Today", 2],
    ]);
  });

  it("keeps the order of the log when a pending message's clock is behind", () => {
    const first = message({ sentAtMs: now });
    const pending = message({
      sentAtMs: now - 60_000,
      seq: null,
      isOwn: true,
      senderId: "me",
      status: "pending",
    });
    const [day] = groupByDay([first, pending], now, berlin);
    expect(day?.items.map((item) => item.message)).toEqual([first, pending]);
  });

  it("begins a run at each change of sender, each day and after a notice", () => {
    const notice = message({ sentAtMs: now, body: { type: "notice", notice: { type: "founded" } } });
    const own = { sentAtMs: now, isOwn: true, senderId: "me" };
    const [day] = groupByDay(
      [message({ sentAtMs: now }), message({ sentAtMs: now }), notice, message(own), message(own)],
      now,
      berlin,
    );
    expect(day?.items.map((item) => item.startsRun)).toEqual([true, false, true, true, false]);
  });

  it("names a day by its weekday for a week, then by its date", () => {
    expect(dayLabel(at("2026-11-18T12:00:00+01:00"), now, berlin)).toBe("Wednesday");
    expect(dayLabel(at("2026-11-17T12:00:00+01:00"), now, berlin)).toBe("17 November 2026");
  });

  it("counts calendar days across the end of summer time", () => {
    expect(dayLabel(at("2026-10-24T23:30:00+02:00"), at("2026-10-25T23:30:00+01:00"), berlin)).toBe(
      "Yesterday",
    );
  });

  it("shows the time of today's chats and the day of others in the list", () => {
    expect(listTime(at("2026-11-24T09:05:00+01:00"), now, berlin)).toBe("09:05");
    expect(listTime(at("2026-11-23T09:05:00+01:00"), now, berlin)).toBe("Yesterday");
    expect(listTime(at("2026-11-20T09:05:00+01:00"), now, berlin)).toBe("Fri");
    expect(listTime(at("2026-11-01T09:05:00+01:00"), now, berlin)).toBe("01/11/26");
  });
});

describe("ticks", () => {
  it.each<[MessageStatus, string, string]>([
    ["pending", "clock", "Pending"],
    ["sent", "one", "Sent"],
    ["delivered", "two", "Delivered"],
    ["read", "two", "Read"],
    ["failed", "alert", "Not sent"],
  ])("show %s as %s, read out as %s", (status, icon, label) => {
    expect(tickOf(message({ isOwn: true, status }))).toEqual({ icon, label });
  });

  it("are missing from others' messages and from notices", () => {
    expect(tickOf(message({}))).toBeNull();
    expect(
      tickOf(message({ isOwn: true, status: "sent", body: { type: "notice", notice: { type: "founded" } } })),
    ).toBeNull();
  });
});

describe("phone numbers", () => {
  it.each([
    ["+1 (415) 555-0123", "+14155550123"],
    ["0044 7700 900123", "+447700900123"],
    [" +49 30 123456 ", "+4930123456"],
  ])("are read from %s", (typed, phone) => {
    expect(readPhone(typed)).toEqual({ isValid: true, phone });
  });

  it("may leave out the country code where the browser's language names the country", () => {
    expect(readPhone("(415) 555-0123", "US")).toEqual({ isValid: true, phone: "+14155550123" });
  });

  it.each([
    ["", "Enter a phone number."],
    ["+1415555", "This number is too short. Check that no digit is missing."],
    ["+1415555012345", "This number is too long. Check for a digit too many."],
    ["+999123456", "No country has this code. Start with + and the country code, like +1 415 555 0123."],
    ["415 555 0123", "Start with + and the country code, like +1 415 555 0123."],
    ["hello", "Start with + and the country code, like +1 415 555 0123."],
  ])("that are wrong (%j) get a sentence that says what to mend", (typed, sentence) => {
    expect(readPhone(typed)).toEqual({ isValid: false, sentence });
  });

  it("are shown in groups, and names stay names", () => {
    expect(formatPhone("+14155550123")).toBe("+1 415 555 0123");
    expect(formatPhone("Grace")).toBe("Grace");
  });
});

it("previews a message on one line", () => {
  expect(previewText(message({ body: { type: "text", text: "one\n\ntwo" } }), "direct")).toBe("one two");
  expect(previewText(message({ body: { type: "notice", notice: { type: "founded" } } }), "direct")).toBe(
    "The chat was started.",
  );
});

it("names a device by its browser and system", () => {
  const chrome =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
  const iphone =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1";
  expect(deviceName(chrome)).toBe("Chrome on Linux");
  expect(deviceName(chrome.replace("X11; Linux x86_64", "Linux; Android 16; K"))).toBe("Chrome on Android");
  expect(deviceName(iphone)).toBe("Safari on iPhone");
  expect(deviceName("")).toBe("Browser");
});
