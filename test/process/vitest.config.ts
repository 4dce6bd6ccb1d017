// Process tests: the built server and clients as real processes, killed with -9. Linux and macOS.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    name: "process",
    include: ["test/process/**/*.test.ts"],
    environment: "node",
    // One run at a time: each has a server and several clients.
    fileParallelism: false,
    testTimeout: 300_000,
  },
});
