/** Lets Node load the objects: `cloudflare:workers` is the shim beside this file, a `.sql` file is its text. */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

const shimUrl = new URL("./cloudflare-workers.ts", import.meta.url).href;

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === "cloudflare:workers"
      ? { url: shimUrl, format: "module-typescript", shortCircuit: true }
      : nextResolve(specifier, context),
  load: (url, context, nextLoad) => {
    if (!url.endsWith(".sql")) return nextLoad(url, context);
    const text = readFileSync(fileURLToPath(url), "utf8");
    return { format: "module", source: `export default ${JSON.stringify(text)};`, shortCircuit: true };
  },
});
