/** Bugs on the way to a device [D1]–[D8]: acknowledging, keeping, resuming, showing. */
import type { PlantedBug } from "../planted-bug.ts";

export const deliveryBugs: PlantedBug[] = [
  {
    id: "device-acks-before-storing",
    rules: ["D1"],
    says: "The client acknowledges entries before its store has them.",
    changes: [
      {
        file: "src/client/sync/receiver.ts",
        find: "      const seq = await this.#desk.inTurn(conversationId, () => this.#take(frame));",
        replace:
          "      acknowledge(conversationId, frame.entries.at(-1)?.seq ?? 0);\n      const seq = await this.#desk.inTurn(conversationId, () => this.#take(frame));",
      },
    ],
    checks: ["test/unit/client/sync.test.ts", "sim"],
  },
  {
    id: "off-by-one-cursor",
    rules: ["D1", "D4"],
    says: "A device that resumes on a chat's socket is taken to hold one entry more than it said.",
    changes: [
      {
        file: "durable/conversation/chat-frames.ts",
        find: "const cursor = position !== null && isKnown ? position.seq : 0;",
        replace: "const cursor = position !== null && isKnown ? position.seq + 1 : 0;",
      },
    ],
    checks: ["sim", "test/workerd/resume.test.ts"],
  },
  {
    id: "resume-from-last-seen",
    rules: ["D1", "D4"],
    says: "The client resumes from the last entry it has seen, not from the last without a gap below.",
    changes: [
      {
        file: "src/client/sync/conversation-state.ts",
        find: "position.log_id === record.logId && position.seq <= record.cursor.seq;",
        replace: "position.log_id === record.logId;",
      },
    ],
    checks: ["test/unit/client/outbox.test.ts", "sim"],
  },
  {
    id: "ack-deletes-too-much",
    rules: ["D2"],
    says: "An ack deletes the held row after the acknowledged one as well.",
    changes: [
      {
        file: "durable/inbox/held.ts",
        find: '"DELETE FROM held WHERE device_id = ? AND conversation_id = ? AND seq <= ?"',
        replace: '"DELETE FROM held WHERE device_id = ? AND conversation_id = ? AND seq <= ? + 1"',
      },
    ],
    checks: ["sim", "test/workerd/resume.test.ts"],
  },
  {
    id: "row-deleted-too-soon",
    rules: ["D1", "D2"],
    says: "The Inbox deletes a held row at the device's ack, before the Conversation has counted it.",
    changes: [
      {
        file: "durable/inbox/inbox-frames.ts",
        find: "    void this.#reports.add(conversationId, { device_id: connection.deviceId, acked: seq });",
        replace:
          "    this.#core.held.acknowledged(connection.deviceId, conversationId, seq);\n    void this.#reports.add(conversationId, { device_id: connection.deviceId, acked: seq });",
      },
    ],
    checks: ["sim", "test/workerd/fan-out.test.ts"],
  },
  {
    id: "gap-shown",
    rules: ["D3"],
    says: "The client shows 8 before 7: it does not check that an entry is the next.",
    changes: [
      {
        file: "src/client/sync/plan-entries.ts",
        find: "if (entry.seq > next) plan.hasGap = true;\n    else if",
        replace: "if",
      },
    ],
    checks: ["test/unit/client/sync.test.ts", "sim"],
  },
  {
    id: "live-before-stored",
    rules: ["D4"],
    says: "A device that still resumes is handed live entries, ahead of its backlog.",
    changes: [
      {
        file: "durable/inbox/deliver.ts",
        find: 'call.hold || connection?.phase !== "live" ||',
        replace: 'call.hold || connection === undefined || connection.phase === "new" ||',
      },
    ],
    checks: ["test/workerd/resume.test.ts", "sim"],
  },
  {
    id: "two-inbox-connections",
    rules: ["D5"],
    says: "A newer inbox connection leaves the device's older one open.",
    changes: [
      {
        file: "durable/inbox/inbox-sockets.ts",
        find: 'if (older !== undefined) this.close(older, "replaced");',
        replace: "void older;",
      },
    ],
    checks: ["sim", "test/workerd/resume.test.ts"],
  },
  {
    id: "in-flight-forgotten",
    rules: ["D5"],
    says: "On takeover the Inbox forgets what the older connection was handed, and leaves it to the alarm.",
    changes: [
      {
        file: "durable/inbox/inbox-frames.ts",
        find: "this.#core.recall(connection.deviceId);",
        replace: "this.#core.remembered.forgetHanded(connection.deviceId);",
      },
    ],
    checks: ["test/workerd/resume.test.ts", "sim"],
  },
  {
    id: "unread-counted-up",
    rules: ["D6"],
    says: "Unread is a counter that what comes adds to, and that only reading everything sets back.",
    changes: [
      {
        file: "src/client/views/summaries.ts",
        find: "store.countUnread(conversationId, ownRead, cursor.seq, limits.unreadCountMax),",
        replace: "countUp(store, conversationId, ownRead, cursor.seq),",
      },
      {
        file: "src/client/views/summaries.ts",
        find: "async function summaryOf(",
        replace: `const tallies = new WeakMap<Store, Map<string, { upTo: number; unread: number }>>();

async function countUp(store: Store, id: string, ownRead: number, upTo: number): Promise<number> {
  const ofStore = tallies.get(store) ?? new Map<string, { upTo: number; unread: number }>();
  tallies.set(store, ofStore);
  const before = ofStore.get(id) ?? { upTo: ownRead, unread: 0 };
  const came = await store.countUnread(id, before.upTo, upTo, limits.unreadCountMax);
  const unread = ownRead >= upTo ? 0 : before.unread + came;
  ofStore.set(id, { upTo, unread });
  return unread;
}

async function summaryOf(`,
      },
    ],
    checks: ["test/unit/client/sync.test.ts", "sim"],
  },
  {
    id: "own-messages-unread",
    rules: ["D6"],
    says: "One's own messages, written on another device, count as unread.",
    changes: [
      {
        file: "src/client/sync/plan-entries.ts",
        find: "!entry.silent && entry.sender.user_id !== self.userId;",
        replace:
          "!entry.silent &&\n    (entry.sender.user_id !== self.userId || entry.sender.device_id !== self.deviceId);",
      },
    ],
    checks: ["test/unit/client/sync.test.ts", "sim"],
  },
  {
    id: "silent-counts",
    rules: ["L8", "D6"],
    says: "Keys and requests, which nobody sees, are sent as messages that count.",
    changes: [
      {
        file: "src/client/outbox/outbox.ts",
        find: "this.#item(conversationId, content, true)",
        replace: "this.#item(conversationId, content, false)",
      },
    ],
    checks: ["sim"],
  },
  {
    id: "held-beside-live",
    rules: ["D7"],
    says: "Holding for a device that is live leaves it live, so what is stored does not come again.",
    changes: [
      {
        file: "durable/inbox/core.ts",
        find: 'if (connection.phase === "live") {',
        replace: 'if (connection.phase === "live" && connection.batchSentAt < 0) {',
      },
    ],
    checks: ["test/workerd/fan-out.test.ts", "sim"],
  },
  {
    id: "unreadable-stops-all",
    rules: ["D8"],
    says: "An envelope that cannot be read rejects, and keeps everything after it from being taken.",
    changes: [
      {
        file: "src/client/content.ts",
        find: 'if (json === undefined) return { parked: "not_decodable" };',
        replace: 'if (json === undefined) throw new Error("not decodable");',
      },
    ],
    checks: ["test/unit/client/content.test.ts", "sim"],
  },
];
