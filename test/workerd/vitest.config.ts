// Tests inside workerd, with the bindings of wrangler.toml and isolated storage per file.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("../..", import.meta.url));
// The assets binding wants its folder, even where no test reads a file of it.
mkdirSync(`${root}dist/web`, { recursive: true });

export default defineConfig({
  root,
  plugins: [
    cloudflareTest({
      wrangler: { configPath: `${root}wrangler.toml` },
      miniflare: {
        bindings: { ENVIRONMENT: "development", SERVER_SECRET: "5e".repeat(32) },
      },
    }),
  ],
  test: {
    name: "workerd",
    include: ["test/workerd/**/*.test.ts"],
    testTimeout: 30_000,
  },
});
