/** [R1] When a member's delivered watermark rises, and how far (docs/decisions/0007-delivered-watermark.md). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Progress } from "../../../durable/conversation/progress.ts";
import { isActive, type Roster } from "../../../durable/conversation/roster.ts";
import { changedRoster, foundedRoster, withGone } from "../../../durable/conversation/roster-change.ts";
import type { DeviceRef } from "../../../src/protocol/ids.ts";

const alice: DeviceRef = { user_id: "A".repeat(22), device_id: 1 };
const bob: DeviceRef = { user_id: "B".repeat(22), device_id: 1 };
const second: DeviceRef = { ...bob, device_id: 2 };

/** A direct chat whose roster changes as a Conversation changes it. */
class Chat {
  roster: Roster = foundedRoster([alice, bob], { seq: 1, time: 0 });
  progress = new Progress();
  constructor() {
    this.progress.follow(this.roster);
  }

  joins(device: DeviceRef, seq: number): void {
    this.#follow(changedRoster(this.roster, { add: [device], remove: [] }, { seq, time: 0 }));
    this.progress.device(device)?.offer(seq, "own", 0);
  }
  isLoggedOut(device: DeviceRef): void {
    this.#follow(withGone(this.roster, device));
  }
  forgets(head: number): void {
    this.progress = Progress.load(this.progress.pack(this.roster), this.roster, head);
  }
  get delivered(): number {
    return this.progress.watermark(bob.user_id).delivered;
  }

  #follow(roster: Roster): void {
    this.roster = roster;
    this.progress.follow(roster);
  }
}

describe("[R1] the delivered watermark", () => {
  it("rises by an acknowledgement, and never falls", () => {
    const chat = new Chat();
    expect(chat.progress.ack(bob, 3)).toBe(true);
    expect(chat.progress.ack(bob, 2)).toBe(false);
    expect(chat.delivered).toBe(3);
  });

  it("does not rise because a device joins, goes, or the object wakes", () => {
    const chat = new Chat();
    chat.progress.ack(bob, 2);
    chat.joins(second, 6);
    expect(chat.delivered).toBe(2);
    chat.isLoggedOut(bob);
    expect(chat.delivered).toBe(2);
    chat.forgets(6);
    expect(chat.delivered).toBe(2);
  });

  it("waits for what lies before a later device as long as an earlier one may acknowledge it", () => {
    const chat = new Chat();
    chat.progress.ack(bob, 2);
    chat.joins(second, 6);
    expect(chat.progress.ack(second, 8)).toBe(false);
    expect(chat.delivered).toBe(2);
    expect(chat.progress.ack(bob, 5)).toBe(true);
    expect(chat.delivered).toBe(8);
  });

  it("passes over what a device that was logged out never acknowledged, with the next acknowledgement, even a repeated one", () => {
    const chat = new Chat();
    chat.progress.ack(bob, 2);
    chat.joins(second, 6);
    chat.progress.ack(second, 8);
    chat.isLoggedOut(bob);
    expect(chat.delivered).toBe(2);
    expect(chat.progress.ack(second, 8)).toBe(true);
    expect(chat.delivered).toBe(8);
    expect(chat.progress.isDirty).toBe(true);
  });

  it("passes over what came while the member had no device, with the acknowledgement of the device that joined after", () => {
    const chat = new Chat();
    chat.progress.ack(bob, 2);
    chat.isLoggedOut(bob);
    chat.joins(second, 6);
    expect(chat.delivered).toBe(2);
    chat.progress.ack(second, 6);
    expect(chat.delivered).toBe(6);
  });

  it("[F10] is not forgotten where the row has as placed what was acknowledged, so that no alarm would ask again", () => {
    const chat = new Chat();
    const device = chat.progress.device(bob);
    device?.offer(4, "under_way", 0);
    device?.settle({ from: 1, to: 4 }, "held", 0);
    chat.progress.ack(bob, 2);
    // The row does not have it as placed yet: after a crash the alarm would ask for it again.
    expect(chat.progress.isForgettable).toBe(false);
    chat.progress.stored();
    chat.progress.ack(bob, 4);
    expect(chat.progress.isForgettable).toBe(true);
    chat.progress.stored();
    expect(chat.progress.isForgettable).toBe(false);
  });

  it("[F10] is written back at once where a repeated acknowledgement raised it: nobody would be asked again", () => {
    const chat = new Chat();
    chat.progress.device(bob)?.offer(1, "own", 0);
    chat.progress.stored();
    expect(chat.delivered).toBe(0);
    chat.joins(second, 6);
    expect(chat.progress.ack(second, 6)).toBe(true);
    expect(chat.delivered).toBe(1);
    expect(chat.progress.isForgettable).toBe(true);
  });

  it("is raised by a read mark over what another device has acknowledged beyond it", () => {
    const chat = new Chat();
    chat.joins(second, 4);
    chat.progress.ack(second, 9);
    expect(chat.delivered).toBe(0);
    chat.progress.read(second, 5);
    expect(chat.delivered).toBe(9);
  });

  it("is what its definition says, whatever order devices join, acknowledge, go and are forgotten in", () => {
    const step = fc.record({
      kind: fc.constantFrom(
        "ack" as const,
        "ack" as const,
        "ack" as const,
        "join" as const,
        "go" as const,
        "forget" as const,
      ),
      device: fc.nat(3),
      far: fc.nat(4),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const chat = new Chat();
        let head = 3;
        let expected = 0;
        for (const { kind, device, far } of steps) {
          const ref = { ...bob, device_id: 1 + device };
          head += 1;
          const known = devicesOf(chat).find((candidate) => candidate.id === ref.device_id);
          if (kind === "forget") chat.forgets(head);
          else if (kind === "join" && known === undefined) chat.joins(ref, head);
          else if (kind === "go") chat.isLoggedOut(ref);
          else if (kind === "ack" && known !== undefined && isActive(known)) {
            const acked = chat.progress.device(ref)?.acked ?? 0;
            chat.progress.ack(ref, Math.min(head, Math.max(acked, known.joined_seq) + far));
            expected = Math.max(expected, defined(chat, head));
          }
          expect(chat.delivered).toBe(expected);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

function devicesOf(chat: Chat) {
  return chat.roster.find((member) => member.user_id === bob.user_id)?.devices ?? [];
}

/** The definition, entry by entry: the highest acknowledged one below which nobody who is left could still acknowledge any. */
function defined(chat: Chat, head: number): number {
  const devices = devicesOf(chat).map((device) => ({
    from: device.joined_seq,
    to: chat.progress.device({ ...bob, device_id: device.id })?.acked ?? 0,
    isActive: isActive(device),
  }));
  const isAcked = (seq: number) => devices.some(({ from, to }) => from <= seq && seq <= to);
  const isAwaited = (seq: number) => devices.some((device) => device.isActive && device.from <= seq);
  let highest = 0;
  for (let seq = 1; seq <= head; seq += 1) {
    if (isAcked(seq)) highest = seq;
    else if (isAwaited(seq)) break;
  }
  return highest;
}
