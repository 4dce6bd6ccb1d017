/** Token buckets that bound what one device may ask for [F9]. In memory only; a wake gives full buckets. */
import { limits } from "../src/protocol/limits.ts";

export class RateLimiter {
  readonly #burst: number;
  readonly #perMs: number;
  #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
  }

  /** Takes one; returns 0, or how long to wait in milliseconds. */
  take(key: string, now: number): number {
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, at: now };
    bucket.tokens = Math.min(this.#burst, bucket.tokens + Math.max(0, now - bucket.at) * this.#perMs);
    bucket.at = now;
    this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / this.#perMs);
    bucket.tokens -= 1;
    return 0;
  }
}

/** Frames of one device on its sockets at one object. Sends are counted where they are decided (append.ts). */
export class FrameRate {
  #frames = new RateLimiter(limits.framesPerDeviceBurst, limits.framesPerDevicePerSecond);
  /** Each `hello` is answered with a batch of backlog, so there may be fewer of them. */
  #resumes = new RateLimiter(limits.resumesPerDeviceBurst, limits.resumesPerDevicePerSecond);

  /** Returns 0, or how long to wait in milliseconds. */
  take(key: string, type: string, now: number): number {
    if (type === "send") return 0;
    const waitMs = this.#frames.take(key, now);
    return waitMs > 0 || type !== "hello" ? waitMs : this.#resumes.take(key, now);
  }
}
