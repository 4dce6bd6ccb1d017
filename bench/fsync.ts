/** How long this machine takes to put 4 KiB on its disk: what a server that waits for the disk cannot be faster than. */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Samples } from "./samples.ts";

const block = Buffer.alloc(4096, 1);
const writes = 200;

/** Adds the milliseconds of each write and fsync, appended to a file in this directory. */
export function probeFsync(directory: string, samples: Samples): void {
  const folder = mkdtempSync(join(directory, "fsync-"));
  const file = openSync(join(folder, "probe"), "w");
  try {
    for (let i = 0; i < writes; i++) {
      const start = performance.now();
      writeSync(file, block);
      fsyncSync(file);
      samples.add(performance.now() - start);
    }
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
}
