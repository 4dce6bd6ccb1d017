/** The right engine for where this runs: a worker in browsers, this thread in Node. */
import type { CryptoPort } from "./port.ts";
import { workerPort } from "./worker-port.ts";

export async function defaultCrypto(): Promise<CryptoPort> {
  if ("Worker" in globalThis && "document" in globalThis) return workerPort();
  const { makeEngine } = await import("./engine.ts");
  return makeEngine();
}
