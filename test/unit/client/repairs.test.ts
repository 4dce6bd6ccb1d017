/** What members do for each other [E9] [E16], when one of them asks too often or answers with something else. */
import { sha256 } from "@noble/hashes/sha2.js";
import { base64 } from "@scure/base";
import { describe, expect, it } from "vitest";
import type { Content } from "../../../src/client/content.ts";
import { encodeState } from "../../../src/client/group-state.ts";
import { FollowUps, type FollowUpsOptions } from "../../../src/client/groups/follow-up.ts";
import type { DeviceRef } from "../../../src/protocol/ids.ts";
import { limits } from "../../../src/protocol/limits.ts";

const [mallory, bob]: DeviceRef[] = [
  { user_id: "mallory", device_id: 1 },
  { user_id: "bob", device_id: 1 },
] as const;

/** One chat of a device whose store holds `known`; timers run at once. */
function chat({ known, stateHash }: { known: Uint8Array | null; stateHash: string }) {
  const silent: Content[] = [];
  const stored: unknown[] = [];
  const documentOf = (document: Uint8Array) => ({ document, hash: base64.encode(sha256(document)) });
  const timers: (() => void)[] = [];
  const desk = {
    environment: {
      now: () => 0,
      random: () => 0,
      setTimer: (_delayMs: number, run: () => void) => timers.push(run),
      clearTimer: () => {},
    },
    store: { get: async (table: string) => (table === "documents" && known ? documentOf(known) : null) },
    conversation: () => ({ stateHash, members: [] }),
    inTurn: async (_id: string, work: () => Promise<void>) => await work(),
    commit: async (_record: unknown, changes: unknown[]) => void stored.push(...changes),
  };
  const followUps = new FollowUps({
    desk,
    crypto: { readState: async (document: Uint8Array) => ({ hash: sha256(document) }) },
    outbox: { writeSilent: async (_id: string, contents: Content[]) => void silent.push(...contents) },
    bringUp: () => {},
  } as unknown as FollowUpsOptions);
  const settle = async () => {
    for (const run of timers.splice(0)) run();
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return { followUps, silent, stored, settle };
}

describe("repairs between members", () => {
  it("[E9] [F9] a device that asks without end is answered a bounded number of times, another all the same", async () => {
    const known = new Uint8Array(100).fill(7);
    const hash = base64.encode(sha256(known));
    const { followUps, silent, settle } = chat({ known, stateHash: hash });
    for (let request = 0; request < limits.repairAnswersBurst + 30; request += 1) {
      followUps.follow("chat", [{ type: "state_wanted", hash, asker: mallory as DeviceRef }]);
      await settle();
    }
    expect(silent).toHaveLength(limits.repairAnswersBurst);
    followUps.follow("chat", [{ type: "state_wanted", hash, asker: bob as DeviceRef }]);
    await settle();
    expect(silent).toHaveLength(limits.repairAnswersBurst + 1);
  });

  it("[E16] one member's wrong parts do not spoil another's right ones", async () => {
    const content = encodeState({ v: 1, kind: "group", name: "Gulls", picture: null, roles: [] });
    const document = new Uint8Array(32 + content.length);
    document.set(content, 32);
    const hash = base64.encode(sha256(document));
    const { followUps, stored, settle } = chat({ known: null, stateHash: hash });
    const half = Math.ceil(document.length / 2);
    const partOf = (index: number, bytes: Uint8Array, sender: DeviceRef | undefined) => ({
      type: "state_part" as const,
      content: {
        v: 1 as const,
        type: "state_part" as const,
        hash,
        index,
        count: 2,
        bytes: base64.encode(bytes),
      },
      sender: sender as DeviceRef,
    });
    const right = [document.subarray(0, half), document.subarray(half)] as const;
    followUps.follow("chat", [partOf(0, right[0], bob)]);
    await settle();
    followUps.follow("chat", [partOf(0, new Uint8Array(half), mallory)]);
    await settle();
    followUps.follow("chat", [partOf(1, right[1], bob)]);
    await settle();
    expect(stored).toHaveLength(1);
  });
});
