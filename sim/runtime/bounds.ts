/**
 * Bounds made so small that short runs reach them [F9]: pages, batches, windows and queues of a few entries. Relations
 * that limits.ts asserts are kept. In place only while a run is on, like the globals.
 */
import { limits } from "../../src/protocol/limits.ts";
import type { Rng } from "./rng.ts";

export type Bounds = Partial<Record<keyof typeof limits, number>>;

export function tightBounds(rng: Rng): Bounds {
  const few = (from: number, to: number) => Math.floor(rng.between(from, to + 1));
  const deliverEntriesMax = few(2, 12);
  const baseDistanceMax = few(20, 80);
  return {
    deliverEntriesMax,
    deliverBytesMax: few(600, 4_000),
    writeBackEntries: few(1, 8),
    windowEntriesMax: deliverEntriesMax + few(0, 12),
    windowBytesMax: few(2_000, 20_000),
    backlogEntriesMax: few(1, 8),
    backlogBytesMax: few(600, 4_000),
    backlogConversationsMax: few(1, 3),
    pageEntriesMax: few(2, 12),
    pageBytesMax: few(800, 6_000),
    chatListPageMax: few(1, 3),
    baseDistanceMax,
    recentIdsMax: baseDistanceMax + few(1, 10),
    ingestFramesMax: few(3, 24),
    sendsPerDeviceBurst: few(4, 30),
    sendsPerDevicePerSecond: few(2, 20),
    outboxInFlightMax: few(1, 8),
    framesPerArrayMax: few(2, 64),
  };
}

/** Returns what puts the real ones back. */
export function installBounds(bounds: Bounds): () => void {
  const changeable = limits as unknown as Record<string, number>;
  const real = { ...limits };
  Object.assign(changeable, bounds);
  return () => void Object.assign(changeable, real);
}
