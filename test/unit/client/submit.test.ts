/** [E8] [L3] A commit whose answer was lost, and for which the server no longer looks, is looked for in the log. */
import { beforeEach, expect, it } from "vitest";
import { Submitter, type SubmitterOptions } from "../../../src/client/groups/submit.ts";
import type { PendingCommitRecord } from "../../../src/client/store/key-records.ts";
import type { Change } from "../../../src/client/store/store.ts";
import { ProtocolError } from "../../../src/protocol/errors.ts";

let pending: PendingCommitRecord | null;
/** The entry from which on the log is for this device; null: it is not in the roster. */
let firstSeq: number | null;
/** Whether the log shows the commit. */
let isInLog: boolean;
let isKnown: boolean;
let submitter: Submitter;

beforeEach(() => {
  const none = new Uint8Array();
  const made = { bytes: none, welcome: null, groupInfo: none, tree: none, sealedState: none, baseEpoch: 3 };
  pending = { conversationId: "chat", origin: "joiner", made } as unknown as PendingCommitRecord;
  isKnown = false;
  const state = () => ({ conversation_id: "chat", first_seq: firstSeq, head: 12_000, members: [] });
  submitter = new Submitter({
    desk: {
      session: { userId: "bob", deviceId: 2 },
      store: {
        get: async () => pending,
        apply: async (changes: Change[]) => {
          if (changes.some((change) => "remove" in change)) pending = null;
        },
      },
      conversation: () => (isKnown ? {} : null),
      commit: async () => {
        isKnown = true;
      },
      call: async () => {
        throw new ProtocolError("base_too_old");
      },
    },
    reader: {
      fetchState: async () => state(),
      catchUp: async () => {
        // As the reader does with a commit that it recognises: it is adopted.
        if (isKnown && isInLog) pending = null;
      },
    },
    blobs: { put: async () => "" },
    bringUp: () => {},
  } as unknown as SubmitterOptions);
});

it("a joiner whose commit is in the log keeps what it led to, however much was written since", async () => {
  [firstSeq, isInLog] = [14, true];
  await submitter.submit(pending as PendingCommitRecord);
  expect(isKnown).toBe(true);
});

it.each([null, 14])(
  "what is not in the log is dropped, and that is said (first entry: %s)",
  async (first) => {
    [firstSeq, isInLog] = [first, false];
    await expect(submitter.submit(pending as PendingCommitRecord)).rejects.toMatchObject({
      code: "base_too_old",
    });
    expect(pending).toBeNull();
    expect(isKnown).toBe(first !== null);
  },
);
