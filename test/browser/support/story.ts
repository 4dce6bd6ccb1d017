/** Builds and serves the story page (test/browser/story) under the same security policy as the app itself. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const fromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

export interface Story {
  url: string;
  dispose(): void;
}

export async function serveStory(): Promise<Story> {
  const outDir = mkdtempSync(join(tmpdir(), "kittiwake-story-"));
  await build({
    configFile: false,
    root: fromHere("../story"),
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: { outDir, emptyOutDir: true, target: "es2022" },
  });
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const name = path === "/" ? "/index.html" : path;
    try {
      const body = readFileSync(join(outDir, name));
      response.writeHead(200, {
        "content-type": types[extname(name)] ?? "application/octet-stream",
        ...policy(),
      });
      response.end(body);
    } catch {
      response.writeHead(404);
      response.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${portOf(server)}/`,
    dispose() {
      server.close();
      rmSync(outDir, { recursive: true, force: true });
    },
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** As the app is served: so a style or an address that the policy forbids fails here too. */
function policy(): Record<string, string> {
  const headers = readFileSync(fromHere("../../../src/web/public/_headers"), "utf8");
  const value = /Content-Security-Policy: (.*)/.exec(headers)?.[1];
  if (value === undefined) throw new Error("_headers has lost its Content-Security-Policy");
  return { "content-security-policy": value };
}
