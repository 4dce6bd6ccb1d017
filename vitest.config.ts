// Lets `npx vitest` and editors find every kind of test; `npm test` runs the kinds one after the other.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { projects: ["test/*/vitest.config.ts"] },
});
