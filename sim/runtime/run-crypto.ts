/** The `crypto` that product code finds while a run is on. One object for all runs: libraries hold on to it. */
import { syncSubtle } from "../crypto/sync-subtle.ts";
import { Rng } from "./rng.ts";

const loading = new Rng("loading");
let chance: () => Rng = () => loading;

export const runCrypto = {
  getRandomValues: <T extends Uint8Array>(bytes: T): T => chance().fill(bytes) as T,
  subtle: syncSubtle,
};

export function takeChanceFrom(source: () => Rng): void {
  chance = source;
}

/** Outside of a run, for what is loaded before any. */
export async function withRunCrypto(work: () => Promise<void>): Promise<void> {
  const real = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  if (real === undefined) throw new Error("Node's crypto is missing");
  Object.defineProperty(globalThis, "crypto", { value: runCrypto, configurable: true, writable: true });
  try {
    await work();
  } finally {
    Object.defineProperty(globalThis, "crypto", real);
  }
}
