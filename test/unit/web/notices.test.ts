import { describe, expect, it } from "vitest";
import type { Message, Notice } from "../../../src/client/contract.ts";
import { mlsFailures, mlsRepairFor } from "../../../src/client/mls/failures.ts";
import { closedSentence } from "../../../src/web/text/closed-text.ts";
import { previewText } from "../../../src/web/text/message-text.ts";
import { noticeText } from "../../../src/web/text/notice-text.ts";
import { generalParkedText, parkedText } from "../../../src/web/text/parked-text.ts";

const grace = { isOwn: false, senderName: "Grace" };
const self = { isOwn: true, senderName: "Ada" };

describe("notices in a group", () => {
  it.each<[Notice, string]>([
    [{ type: "founded" }, "Grace created this group."],
    [{ type: "device_joined" }, "A new device of Grace joined the chat."],
    [{ type: "renamed" }, "Grace changed the name of the group."],
    [{ type: "picture_changed" }, "Grace changed the picture of the group."],
    [{ type: "members_added", who: ["Linus", "+14155550123"] }, "Grace added Linus and +1 415 555 0123."],
    [{ type: "members_removed", who: ["You"] }, "Grace removed you."],
    [{ type: "left" }, "Grace left the group."],
    [{ type: "role_changed", who: ["Linus"], role: "owner" }, "Grace handed the group over to Linus."],
    [{ type: "role_changed", who: ["Linus"], role: "admin" }, "Grace made Linus an admin."],
    [{ type: "role_changed", who: ["Linus", "Ada"], role: "admin" }, "Grace made Linus and Ada admins."],
    [{ type: "role_changed", who: ["Linus"], role: "member" }, "Grace dismissed Linus as admin."],
  ])("%j: %s", (notice, text) => {
    expect(noticeText(notice, grace, "group")).toBe(text);
  });

  it("call oneself You", () => {
    expect(noticeText({ type: "left" }, self, "group")).toBe("You left the group.");
    expect(noticeText({ type: "device_joined" }, self, "group")).toBe(
      "A new device of yours joined the chat.",
    );
  });

  it.each(["log_replaced", "founded_again", "repaired", "unconfirmed"] as const)(
    "[E9] [E12] [E15] %s is a sentence about the chat, not about a person",
    (type) => {
      const text = noticeText({ type }, grace, "group");
      expect(text).not.toContain("Grace");
      expect(text).toMatch(/^[A-Z].+\.$/);
    },
  );
});

it("a direct chat was just started", () => {
  expect(noticeText({ type: "founded" }, self, "direct")).toBe("The chat was started.");
});

describe("the chat list of groups", () => {
  const message = (change: Partial<Message>): Message => ({
    conversationId: "g",
    messageId: "m",
    seq: 1,
    isOwn: false,
    senderId: "u1",
    senderName: "+14155550123",
    sentAtMs: 0,
    body: { type: "text", text: "hello" },
    status: null,
    failure: null,
    ...change,
  });

  it("says who wrote, unless it was oneself or the chat has but one other", () => {
    expect(previewText(message({}), "group")).toBe("+1 415 555 0123: hello");
    expect(previewText(message({ isOwn: true }), "group")).toBe("hello");
    expect(previewText(message({}), "direct")).toBe("hello");
    expect(previewText(message({ body: { type: "parked", reason: "decrypt_failed" } }), "group")).toBe(
      "+1 415 555 0123: Message that cannot be shown",
    );
  });
});

describe("parked messages [D8] [E9]", () => {
  const repairs = {
    resend: "send it again",
    fetch: "fetching",
    rejoin: "joining the chat again",
    stop: "stopped",
  };

  it("say the repair that the SDK has begun, for every failure that has one", () => {
    for (const failure of mlsFailures) {
      const repair = mlsRepairFor(failure);
      if (repair === "none") continue;
      expect(parkedText(failure), failure).toContain(repairs[repair]);
    }
  });

  it("promise no repair where there is none", () => {
    for (const failure of mlsFailures) {
      if (mlsRepairFor(failure) !== "none") continue;
      expect(parkedText(failure), failure).not.toMatch(/Kittiwake is (asking|fetching|joining)/);
    }
  });

  it.each(["unknown_version", "unknown_type", "unknown_kind"])("ask for an update on %s", (reason) => {
    expect(parkedText(reason)).toContain("newer version");
  });

  it("have a sentence for a reason that this app does not know", () => {
    expect(parkedText("from_the_future")).toBe(generalParkedText);
  });
});

describe("a chat in which nothing can be sent", () => {
  const open = { kind: "group", isMember: true, security: "ok" } as const;

  it("is none while one is a member and the logs agree, also during a repair", () => {
    expect(closedSentence(open)).toBeNull();
    expect(closedSentence({ ...open, security: "repairing" })).toBeNull();
  });

  it("says that one is no longer a member", () => {
    expect(closedSentence({ ...open, isMember: false })?.sentence).toContain(
      "no longer a member of this group",
    );
  });

  it("[E13] says what happened at a fork and what to do, whether one is a member or not", () => {
    for (const isMember of [true, false]) {
      const closed = closedSentence({ ...open, isMember, security: "fork" });
      expect(closed?.kind).toBe("fork");
      expect(closed?.sentence).toContain("different versions of this chat");
      expect(closed?.sentence).toContain("Compare");
    }
  });
});
