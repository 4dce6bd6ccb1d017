/** Bugs in receipts [R1]–[R3]. */
import type { PlantedBug } from "../planted-bug.ts";

export const receiptBugs: PlantedBug[] = [
  {
    id: "receipts-backwards",
    rules: ["R1"],
    says: "The client takes an older receipt that comes late for the newer one.",
    changes: [
      {
        file: "src/client/sync/conversation-state.ts",
        find: "const read = Math.max(member.read, mark.read);",
        replace: "const read = mark.read;",
      },
    ],
    checks: ["test/unit/client/connection.test.ts", "sim"],
  },
  {
    id: "read-mark-falls",
    rules: ["R1"],
    says: "A member's read watermark falls when another of its devices reports less.",
    changes: [
      {
        file: "durable/conversation/progress.ts",
        find: "if (seq <= member.read) return false;",
        replace: "if (seq === member.read) return false;",
      },
    ],
    checks: ["sim", "test/workerd/receipts.test.ts"],
  },
  {
    id: "read-without-delivered",
    rules: ["R1"],
    says: "Reading a message does not make it delivered.",
    changes: [
      {
        file: "durable/conversation/progress.ts",
        find: "member.delivered = Math.max(member.delivered, seq);\n    this.#raise(ref.user_id);",
        replace: "",
      },
    ],
    checks: ["test/workerd/receipts.test.ts", "sim"],
  },
  {
    id: "claim-beyond-head",
    rules: ["R1", "D2"],
    says: "An ack or a read mark beyond the head is counted and passed on.",
    changes: [
      {
        file: "durable/conversation/reports.ts",
        find: "if ((report.acked ?? 0) > end || (report.read ?? 0) > end) {",
        replace: "if (end < 0) {",
      },
    ],
    checks: ["test/workerd/fan-out.test.ts", "sim"],
  },
  {
    id: "confirmed-before-stored",
    rules: ["R3"],
    says: "A read mark is confirmed while it is in memory only.",
    changes: [
      {
        file: "durable/conversation/progress.ts",
        find: "return this.#member(userId).readStored;",
        replace: "return this.#member(userId).read;",
      },
    ],
    checks: ["sim", "test/workerd/receipts.test.ts"],
  },
  {
    id: "read-said-once",
    rules: ["R3"],
    says: "The client says a read mark once, and takes it for durable.",
    changes: [
      {
        file: "src/client/sync/read-marks.ts",
        find: "connection.send(marks.map(readFrame));",
        replace: "void [connection, marks];",
      },
    ],
    checks: ["test/unit/client/connection.test.ts", "sim"],
  },
];
