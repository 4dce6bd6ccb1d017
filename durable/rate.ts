/** What one device may say on its sockets [F9]. */
import { limits } from "../src/protocol/limits.ts";
import { RateLimiter } from "../src/protocol/rate-limiter.ts";

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
