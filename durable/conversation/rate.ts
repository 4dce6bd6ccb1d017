/** A token bucket per device: bounds how fast one device may fill a log. In memory only; a wake gives a full bucket. */
import { limits } from "../../src/protocol/limits.ts";

export class RateLimiter {
  #buckets = new Map<string, { tokens: number; at: number }>();

  /** Takes one; returns 0, or how long to wait in milliseconds. */
  take(key: string, now: number): number {
    const perMs = limits.sendsPerDevicePerSecond / 1000;
    const bucket = this.#buckets.get(key) ?? { tokens: limits.sendsPerDeviceBurst, at: now };
    bucket.tokens = Math.min(
      limits.sendsPerDeviceBurst,
      bucket.tokens + Math.max(0, now - bucket.at) * perMs,
    );
    bucket.at = now;
    this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / perMs);
    bucket.tokens -= 1;
    return 0;
  }
}
