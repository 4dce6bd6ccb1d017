// Builds the web app (src/web) into dist/web: the page, and the service worker under a name that never
// changes, because browsers look for its updates there.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

const fromRoot = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const serviceWorker = fromRoot("src/web/service-worker/service-worker.ts");

export default defineConfig({
  root: fromRoot("src/web"),
  plugins: [preact()],
  build: {
    outDir: fromRoot("dist/web"),
    emptyOutDir: true,
    target: "es2022",
    rolldownOptions: {
      input: {
        index: fromRoot("src/web/index.html"),
        ...(existsSync(serviceWorker) && { "service-worker": serviceWorker }),
      },
      output: {
        entryFileNames: (chunk) =>
          chunk.name === "service-worker" ? "service-worker.js" : "assets/[name]-[hash].js",
      },
    },
  },
});
