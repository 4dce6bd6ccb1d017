// Browser tests: the built app in workerd, driven in Chromium by playwright-core. KITTIWAKE_BROWSER names
// the executable; `npm test` finds or installs one.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    name: "browser",
    include: ["test/browser/**/*.test.ts"],
    environment: "node",
    // Browsers and a server share the machine; one file at a time keeps their timing honest.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
