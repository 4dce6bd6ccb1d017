// Unit tests: rules, codecs, the client and the simulator, in Node.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const simulatedWorkers = fileURLToPath(new URL("../../sim/runtime/cloudflare-workers.ts", import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  plugins: [
    {
      // Object migrations are text modules to wrangler; this makes them the same here.
      name: "sql-as-text",
      enforce: "pre",
      load(id) {
        if (!id.endsWith(".sql")) return null;
        return `export default ${JSON.stringify(readFileSync(id, "utf8"))};`;
      },
    },
    {
      // The simulator runs the objects in this process, on its own runtime.
      name: "simulated-workers",
      enforce: "pre",
      resolveId: (id) => (id === "cloudflare:workers" ? simulatedWorkers : null),
    },
  ],
  test: {
    name: "unit",
    include: ["test/unit/**/*.test.ts"],
    environment: "node",
    testTimeout: 30_000,
  },
});
