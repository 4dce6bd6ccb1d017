/** Bugs in fan-out [F1]–[F11]: cursors, alarms, what survives forgetting, bounds. */
import type { PlantedBug } from "../planted-bug.ts";

export const fanOutBugs: PlantedBug[] = [
  {
    id: "copy-for-one-device",
    rules: ["F1"],
    says: "Of a user's absent devices only the first has its copy kept.",
    changes: [
      {
        file: "durable/inbox/deliver.ts",
        find: "toStore.set(deviceId, lacking);",
        replace: "if (toStore.size === 0) toStore.set(deviceId, lacking);",
      },
    ],
    checks: ["sim", "test/workerd/delivery.test.ts"],
  },
  {
    id: "unknown-answer-counts",
    rules: ["F4"],
    says: "A delivery that was not answered counts as held.",
    changes: [
      {
        file: "durable/conversation/deliveries.ts",
        find: 'settle(claimed, "unknown", 0);',
        replace: 'settle(claimed, "held", 0);',
      },
    ],
    checks: ["sim", "test/workerd/fan-out.test.ts"],
  },
  {
    id: "contiguity-unchecked",
    rules: ["F4"],
    says: "The Inbox takes a delivery whose predecessor was lost.",
    changes: [
      {
        file: "durable/inbox/remembered.ts",
        find: "if (call.after !== null && chat.seen < call.after) return false;",
        replace: "",
      },
    ],
    checks: ["test/workerd/fan-out.test.ts", "sim"],
  },
  {
    id: "author-gets-its-own",
    rules: ["F4"],
    says: "The author's device is sent its own entry.",
    changes: [
      {
        file: "durable/inbox/deliver.ts",
        find: "entry.seq > acked && entry.author_device !== deviceId);",
        replace: "entry.seq > acked);",
      },
    ],
    checks: ["test/workerd/fan-out.test.ts", "sim"],
  },
  {
    id: "alarm-not-armed-again",
    rules: ["F5"],
    says: "The Conversation's alarm does its work once and is not armed again while something is outstanding.",
    changes: [
      {
        file: "durable/conversation/conversation.ts",
        find: "if (this.#core.hasOutstanding()) this.#core.armAlarm(succeeded ? limits.alarmDelayMs : this.#backoff());",
        replace: "void succeeded;",
      },
    ],
    checks: ["sim", "test/workerd/fan-out.test.ts"],
  },
  {
    id: "insert-without-alarm",
    rules: ["F5"],
    says: "The insert arms no alarm in its own turn.",
    changes: [
      {
        file: "durable/conversation/ingest.ts",
        find: "if (made.entries.length > 0) this.#core.armAlarm(limits.alarmDelayMs);",
        replace: "",
      },
    ],
    checks: ["sim", "test/workerd/eviction.test.ts"],
  },
  {
    id: "half-open-socket-hides",
    rules: ["F6", "F7"],
    says: "What was written to a socket is never overdue: a half-open one hides its device for as long as it stands.",
    changes: [
      {
        file: "durable/conversation/device-progress.ts",
        find: 'segment.state === "unknown" || (segment.state === "handed" && segment.at <= before);',
        replace: 'segment.state === "unknown" || (segment.state === "handed" && before < 0);',
      },
    ],
    checks: ["test/unit/durable/device-progress.test.ts", "sim"],
  },
  {
    id: "two-chat-connections",
    rules: ["F6"],
    says: "A newer chat socket leaves the device's older one open.",
    changes: [
      {
        file: "durable/conversation/chat-sockets.ts",
        find: 'if (older !== undefined) this.close(older, "replaced");',
        replace: "void older;",
      },
    ],
    checks: ["test/workerd/resume.test.ts", "sim"],
  },
  {
    id: "removed-device-reads-on",
    rules: ["F8", "access"],
    says: "A device that a commit removed may read what was written after it.",
    changes: [
      {
        file: "durable/conversation/page.ts",
        find: "const end = device.left_seq ?? loaded.head.seq;",
        replace: "const end = loaded.head.seq;",
      },
    ],
    checks: ["test/workerd/founding.test.ts", "sim"],
  },
  {
    id: "window-unbounded",
    rules: ["F9"],
    says: "The Inbox hands a slow reader as much as comes.",
    changes: [
      {
        file: "durable/inbox/remembered.ts",
        find: "window.entries + entries.length <= limits.windowEntriesMax &&\n      window.bytes + bytesOf(entries) <= limits.windowBytesMax",
        replace: "window.entries + entries.length >= 0",
      },
    ],
    checks: ["test/workerd/bounds.test.ts", "sim"],
  },
  {
    id: "ingest-unbounded",
    rules: ["F9"],
    says: "The queue into a log takes whatever comes, and nobody is told `busy`.",
    changes: [
      {
        file: "durable/conversation/ingest.ts",
        find: "if (this.#queue.length >= limits.ingestFramesMax || this.#bytes + bytes > limits.ingestBytesMax) {",
        replace: "if (this.#queue.length < 0) {",
      },
    ],
    checks: ["test/workerd/bounds.test.ts"],
  },
  {
    id: "write-back-lost",
    rules: ["F10", "R3"],
    says: "Cursors that advance while no alarm is armed stay in memory, and hibernation forgets them.",
    changes: [
      {
        file: "durable/conversation/core.ts",
        find: "const isDue = this.alarmAt === null || this.#sinceWriteBack >= limits.writeBackEntries;",
        replace: "const isDue = this.#sinceWriteBack >= limits.writeBackEntries;",
      },
    ],
    checks: ["sim", "test/workerd/receipts.test.ts"],
  },
  {
    id: "pause-in-memory-only",
    rules: ["F10", "L7"],
    says: "That a chat socket refuses until `proceed` is kept in memory only.",
    changes: [
      {
        file: "durable/conversation/chat-frames.ts",
        find: "if (connection.isPaused !== wasPaused) connection.save();",
        replace: "",
      },
    ],
    checks: ["test/workerd/lanes.test.ts", "sim"],
  },
  {
    id: "error-at-once",
    rules: ["F11"],
    says: "The client shows every short cut of its connection.",
    changes: [
      {
        file: "src/client/connection/shown-state.ts",
        find: 'if (this.#shown.status === "live" && isLost) {',
        replace: 'if (this.#shown.status === "live" && isLost && limits.offlineGraceMs < 0) {',
      },
    ],
    checks: ["test/unit/client/connection.test.ts"],
  },
];
