/** Bugs in the log [L1]–[L8]: what is accepted, under which number, and what a resend gets. */
import type { PlantedBug } from "../planted-bug.ts";

export const logBugs: PlantedBug[] = [
  {
    id: "ack-before-write",
    rules: ["L2"],
    says: "The sender is acknowledged a turn before its entry is written.",
    changes: [
      {
        file: "durable/conversation/log.ts",
        find: 'sql.exec(\n    "INSERT INTO entries',
        replace:
          'const later = (...row: Parameters<SqlStorage["exec"]>) =>\n    void scheduler.wait(1).then(() => sql.exec(...row));\n  later(\n    "INSERT INTO entries',
      },
    ],
    checks: ["sim", "test/workerd/log.test.ts"],
  },
  {
    id: "bad-neighbour",
    rules: ["L2"],
    says: "An envelope that does not decode throws, and takes what was sent with it along.",
    changes: [
      {
        file: "durable/conversation/draft.ts",
        find: "  try {\n    return base64.decode(text);\n  } catch {\n    return undefined;\n  }",
        replace: "  return base64.decode(text);",
      },
    ],
    checks: ["test/workerd/log.test.ts"],
  },
  {
    id: "seq-skipped",
    rules: ["L1"],
    says: "From the fourth entry of a flush on, the numbering has holes.",
    changes: [
      {
        file: "durable/conversation/append.ts",
        find: "const seq = batch.head.seq + 1;",
        replace: "const seq = batch.head.seq + (batch.entries.length > 2 ? 2 : 1);",
      },
    ],
    checks: ["sim", "test/workerd/log.test.ts"],
  },
  {
    id: "no-dedupe",
    rules: ["L3"],
    says: "A resend is appended once more.",
    changes: [
      {
        file: "durable/conversation/append.ts",
        find: "if (known !== undefined) return answerAgain",
        replace: "if (known !== undefined && known < 0) return answerAgain",
      },
    ],
    checks: ["sim", "test/workerd/log.test.ts"],
  },
  {
    id: "dedupe-across-devices",
    rules: ["L3"],
    says: "One device's message id answers for another's.",
    changes: [
      {
        file: "durable/conversation/recent-ids.ts",
        find: "function keyOf(userId: string, deviceId: number, messageId: string): string {",
        replace:
          'function keyOf(userId: string, deviceId: number, messageId: string): string {\n  userId = "";\n  deviceId = 0;',
      },
    ],
    checks: ["test/unit/durable/rules.test.ts", "sim"],
  },
  {
    id: "id-after-epoch",
    rules: ["L3"],
    says: "The id is looked up only after the epoch was checked, so a resend from before a commit is refused.",
    changes: [
      {
        file: "durable/conversation/append.ts",
        find: "  const known = fresh.get(key)",
        replace:
          '  if (draft.epoch !== batch.identity.epoch) {\n    return refuse("stale_epoch", { epoch: batch.identity.epoch, head: batch.head.seq });\n  }\n  const known = fresh.get(key)',
      },
    ],
    checks: ["test/workerd/log.test.ts", "sim"],
  },
  {
    id: "time-goes-back",
    rules: ["L4"],
    says: "sent_at follows a clock that went backwards.",
    changes: [
      {
        file: "durable/conversation/append.ts",
        find: "Math.max(now, batch.head.sentAt)",
        replace: "now",
      },
    ],
    checks: ["test/workerd/log.test.ts", "sim"],
  },
  {
    id: "restore-not-noticed",
    rules: ["L5"],
    says: "A genuine position past the head is no evidence: a restored log keeps its name.",
    changes: [
      {
        file: "durable/conversation/chat-frames.ts",
        find: "&& isGenuine(this.#core.key, position);",
        replace: "&& isGenuine(this.#core.key, position) && position.seq < 0;",
      },
    ],
    checks: ["test/workerd/restore.test.ts", "sim"],
  },
  {
    id: "restore-by-hearsay",
    rules: ["L5", "access"],
    says: "A claimed position counts without its MAC, so anybody in a chat can make all others resync.",
    changes: [
      {
        file: "durable/conversation/position.ts",
        find: "return difference === 0;",
        replace: "return difference >= 0;",
      },
    ],
    checks: ["test/unit/durable/rules.test.ts", "sim"],
  },
  {
    id: "lane-stays-open",
    rules: ["L7"],
    says: "After a refusal the server takes the connection's later sends.",
    changes: [
      {
        file: "durable/conversation/append.ts",
        find: "batch.decisions.push(decision);",
        replace: "item.lane.isPaused = false;\n    batch.decisions.push(decision);",
      },
    ],
    checks: ["test/workerd/lanes.test.ts", "sim"],
  },
  {
    id: "outbox-reordered",
    rules: ["L7"],
    says: "A message that was refused and mended goes behind the ones written after it.",
    changes: [
      {
        file: "src/client/outbox/lane.ts",
        find: "lane.items = lane.items.map((known) => (known.messageId === item.messageId ? item : known));",
        replace: "lane.items = [...lane.items.filter((known) => known.messageId !== item.messageId), item];",
      },
    ],
    checks: ["test/unit/client/outbox.test.ts", "sim"],
  },
];
