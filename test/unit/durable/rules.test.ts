/** Rules of the Conversation that need no runtime: ids [L3], roster, planning [F4], positions [L5], rate, progress. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeviceProgress } from "../../../durable/conversation/device-progress.ts";
import type { LoggedEntry } from "../../../durable/conversation/log.ts";
import { offerEntries, planNext, planOverdue } from "../../../durable/conversation/plan.ts";
import { isGenuine, positionKey, positionMac } from "../../../durable/conversation/position.ts";
import { Progress } from "../../../durable/conversation/progress.ts";
import { type IdRow, RecentIds } from "../../../durable/conversation/recent-ids.ts";
import { memberOf, type Roster } from "../../../durable/conversation/roster.ts";
import { changedRoster, foundedRoster, withGone } from "../../../durable/conversation/roster-change.ts";
import type { Loaded } from "../../../durable/conversation/state.ts";
import { limits } from "../../../src/protocol/limits.ts";
import { RateLimiter } from "../../../src/protocol/rate-limiter.ts";

const alice = { user_id: "a".repeat(22), device_id: 1 };
const bob = { user_id: "b".repeat(22), device_id: 1 };
const at = { seq: 1, time: 0 };

describe("recent ids", () => {
  it("[L3] hold every id after the base that was reached for, and answer for no other device", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 80 }),
        fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 30 }),
        (head, bases) => {
          const rows: IdRow[] = Array.from({ length: head }, (_, i) => rowOf(i + 1));
          const scan = (after: number, upTo: number) => rows.filter(({ seq }) => seq > after && seq <= upTo);
          const ids = new RecentIds(head);
          for (const base of bases) {
            if (base % 3 === 0) {
              const row = rowOf(rows.length + 1);
              rows.push(row);
              ids.add(authorOf(row), row.message_id, row.seq);
            }
            ids.reach(base, scan);
            for (const row of rows.slice(base)) {
              expect(ids.find(authorOf(row), row.message_id)).toBe(row.seq);
              expect(ids.find({ ...authorOf(row), device_id: 9 }, row.message_id)).toBeUndefined();
            }
          }
        },
      ),
    );
  });

  it("[L3] [F9] forget the oldest at their bound, and find them again by a scan", () => {
    const rows: IdRow[] = [];
    const ids = new RecentIds(0);
    for (let seq = 1; seq <= limits.recentIdsMax + 1; seq++) {
      rows.push(rowOf(seq));
      ids.add(authorOf(rowOf(seq)), `id-${seq}`, seq);
    }
    const kept = limits.recentIdsMax + 1 - limits.baseDistanceMax;
    expect(ids.find(authorOf(rowOf(kept)), `id-${kept}`)).toBeUndefined();
    expect(ids.find(authorOf(rowOf(kept + 1)), `id-${kept + 1}`)).toBe(kept + 1);
    const asked: number[][] = [];
    ids.reach(5, (after, upTo) => {
      asked.push([after, upTo]);
      return rows.slice(after, upTo);
    });
    expect(asked).toEqual([[5, kept]]);
    expect(ids.find(authorOf(rowOf(6)), "id-6")).toBe(6);
  });

  const rowOf = (seq: number): IdRow => ({
    seq,
    message_id: `id-${seq}`,
    sender_id: seq % 2 === 0 ? "even" : "odd",
    device_id: 1,
  });
  const authorOf = (row: IdRow) => ({ user_id: row.sender_id, device_id: row.device_id });
});

describe("planning", () => {
  const three = foundedRoster([alice, bob, { ...bob, device_id: 2 }], at);
  function loadedAt(head: number, roster = three): Loaded {
    const progress = new Progress();
    progress.follow(roster);
    return { head: { seq: head }, progress, identity: { roster } } as unknown as Loaded;
  }
  const member = (roster: Roster) =>
    memberOf(roster, bob.user_id) as NonNullable<ReturnType<typeof memberOf>>;
  const nobody = () => false;

  it("[F4] devices at one place share a call; the one behind goes first; carried ones are left out", () => {
    const loaded = loadedAt(10);
    expect(planNext(loaded, member(three), nobody, () => alice, 0)).toMatchObject({
      range: { from: 1, to: 10 },
      devices: [{ device_id: 1 }, { device_id: 2 }],
    });
    loaded.progress.device(bob)?.offer(4, "under_way", 0);
    expect(planNext(loaded, member(three), nobody, () => alice, 0)).toMatchObject({
      range: { from: 1 },
      devices: [{ device_id: 2 }],
    });
    expect(
      planNext(
        loaded,
        member(three),
        ({ device_id }) => device_id === 2,
        () => alice,
        0,
      ),
    ).toMatchObject({ range: { from: 5 } });
    expect(
      planNext(
        loaded,
        member(three),
        () => true,
        () => alice,
        0,
      ),
    ).toBeUndefined();
  });

  it("[F4] [F9] no call for what is only one's own; none above 256 entries", () => {
    const loaded = loadedAt(600);
    const planned = planNext(loaded, member(three), nobody, (seq) => (seq <= 3 ? bob : alice), 0);
    expect(planned).toMatchObject({ range: { from: 1, to: 256 }, devices: [{ device_id: 2 }] });
    expect(loaded.progress.device(bob)?.placed).toBe(3);
    loaded.progress.device({ ...bob, device_id: 2 })?.offer(600, "handed", 0);
    const overdue = planOverdue(loaded, member(three), 1);
    expect(overdue.map(({ range }) => [range.from, range.to])).toEqual([
      [1, 256],
      [257, 512],
      [513, 600],
    ]);
  });

  it("[F8] a removed device is planned for up to its removal, a gone one not at all", () => {
    const removed = changedRoster(
      three,
      { add: [], remove: [{ ...bob, device_id: 2 }] },
      { seq: 4, time: 0 },
    );
    const loaded = loadedAt(9, removed);
    expect(planNext(loaded, member(removed), nobody, () => alice, 0)).toMatchObject({
      range: { from: 1, to: 4 },
      devices: [{ device_id: 1 }, { device_id: 2 }],
    });
    const gone = withGone(three, bob);
    expect(planNext(loadedAt(9, gone), member(gone), nobody, () => alice, 0)?.devices).toEqual([
      { ...bob, device_id: 2 },
    ]);
  });

  it("[F4] a run of others' and own entries is offered as what each is", () => {
    const progress = new DeviceProgress(0, 0, 0);
    const entries = [alice, bob, bob, alice, bob].map(
      (author, index) => ({ seq: index + 1, author }) as LoggedEntry,
    );
    offerEntries(progress, bob, entries, "handed", 5);
    expect([progress.offered, progress.handedCount()]).toEqual([5, 2]);
    progress.ack(4);
    expect(progress.placed).toBe(5);
  });
});

describe("a position", () => {
  const key = positionKey("5e".repeat(32), "chat");
  const position = {
    log_id: "L".repeat(22),
    seq: 7,
    message_id: "m",
    mac: positionMac(key, "L".repeat(22), 7, "m"),
  };

  it("[L5] is genuine only as it was given, and only in its own conversation", () => {
    expect(isGenuine(key, position)).toBe(true);
    expect(position.mac).toMatch(/^[A-Za-z0-9_-]{22}$/);
    for (const lie of [
      { seq: 8 },
      { message_id: "n" },
      { log_id: "M".repeat(22) },
      { mac: "A".repeat(22) },
      { mac: "" },
      { mac: `${position.mac}A` },
    ]) {
      expect(isGenuine(key, { ...position, ...lie })).toBe(false);
    }
    expect(isGenuine(positionKey("5e".repeat(32), "other"), position)).toBe(false);
    expect(isGenuine(positionKey("5f".repeat(32), "chat"), position)).toBe(false);
  });
});

describe("the rate of a device", () => {
  it("[F9] is bounded, recovers, and does not suffer from a clock that goes backwards", () => {
    const rate = new RateLimiter(limits.sendsPerDeviceBurst, limits.sendsPerDevicePerSecond);
    for (let i = 0; i < limits.sendsPerDeviceBurst; i++) expect(rate.take("d", 1_000)).toBe(0);
    expect(rate.take("d", 1_000)).toBeGreaterThan(0);
    expect(rate.take("other", 1_000)).toBe(0);
    expect(rate.take("d", 1_002)).toBe(0);
    rate.take("d", -3_600_000);
    expect(rate.take("d", -3_600_000 + 100)).toBe(0);
  });
});

describe("cursors and watermarks", () => {
  it("[R1] [F10] come back from their row as they were, cut at the head of a restored log", () => {
    const roster = foundedRoster([alice, bob], at);
    const progress = new Progress();
    progress.follow(roster);
    progress.ack(bob, 6);
    progress.read(bob, 4);
    progress.setListed(bob.user_id);
    const packed = progress.pack(roster);
    expect(Progress.load(packed, roster, 6).watermark(bob.user_id)).toEqual({
      user_id: bob.user_id,
      delivered: 6,
      read: 4,
    });
    expect(Progress.load(packed, roster, 3).watermark(bob.user_id)).toMatchObject({ delivered: 3, read: 3 });
    expect(Progress.load(packed, roster, 6).isListed(bob.user_id)).toBe(true);
    expect(Progress.load(undefined, roster, 6).watermark(bob.user_id)).toMatchObject({
      delivered: 0,
      read: 0,
    });
    // The row of the version before had no fourth field.
    const older = JSON.parse(packed);
    for (const fields of Object.values<unknown[]>(older)) fields.length = 3;
    expect(Progress.load(JSON.stringify(older), roster, 6).watermark(bob.user_id)).toMatchObject({
      delivered: 6,
      read: 4,
    });
  });

  it("[F5] the row is written for one's own entries too, which would be work for every wake", () => {
    const roster = foundedRoster([alice, bob], at);
    const progress = new Progress();
    progress.follow(roster);
    progress.stored();
    expect(progress.isBehind).toBe(false);
    progress.device(alice)?.offer(1, "own", 0);
    progress.device(bob)?.offer(1, "handed", 0);
    expect(progress.isBehind).toBe(true);
    const woken = Progress.load(progress.pack(roster), roster, 1);
    expect(woken.device(alice)?.isPlacedUpTo(1)).toBe(true);
    progress.stored();
    expect(progress.isBehind).toBe(false);
  });

  it("[R1] delivered does not fall when the device that acked is dropped from the roster", () => {
    const roster = foundedRoster([bob, { ...bob, device_id: 2 }], at);
    const progress = new Progress();
    progress.follow(roster);
    progress.ack({ ...bob, device_id: 2 }, 6);
    const packed = progress.pack(roster);
    const later = foundedRoster([bob], at);
    expect(Progress.load(packed, later, 9).watermark(bob.user_id)).toMatchObject({ delivered: 6 });
  });
});
