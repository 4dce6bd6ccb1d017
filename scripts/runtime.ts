// Runs the built Worker in workerd through Miniflare, with every binding of wrangler.toml and its state
// on disk. Shared by `npm start`, the browser tests, the benchmark and the fault tests.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions as readWorkerOptions } from "wrangler";
import { project } from "./project.ts";

export interface RuntimeOptions {
  /** 0 takes any free port. */
  port: number;
  host?: string;
  /** Folder of the objects' databases, the bucket and the queues. */
  stateDir: string;
  /** The value of the SERVER_SECRET binding: 32 bytes in hex. */
  secret: string;
  environment: "development" | "production";
  /** Further text bindings, or others than wrangler.toml says. */
  vars?: Record<string, string>;
  /** Hides what the Worker logs; warnings and errors of Miniflare itself are always shown. */
  quiet?: boolean;
}

export interface Runtime {
  url: string;
  /** The workerd processes, for measurements. Known on Linux only. */
  processIds(): number[];
  stop(): Promise<void>;
}

/** Needs a finished build in dist (see build.ts). */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const host = options.host ?? "127.0.0.1";
  const { modulesRules: _, ...workerOptions } = readWorkerOptions(project.wranglerConfig).workerOptions;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      // Miniflare's own entry adds a hop that parses and logs each request. Nobody is told of it: it takes
      // any port, and the announced one is the direct socket below.
      host: "127.0.0.1",
      port: 0,
      cf: false,
      logRequests: false,
      log: new Log(LogLevel.WARN),
      resourcePersistencePath: options.stateDir,
      unsafeLocalExplorer: false,
      unsafeObservability: false,
      ...(options.quiet === true && { handleStructuredLogs: () => undefined }),
      workers: [
        {
          ...workerOptions,
          // Miniflare names the folders of the objects' databases after the Worker.
          name: "kittiwake",
          bindings: {
            ...(workerOptions.bindings ?? {}),
            ENVIRONMENT: options.environment,
            SERVER_SECRET: options.secret,
            ...options.vars,
          },
          modulesRoot: project.workerBundle,
          modules: bundledModules(),
          // The direct socket leads into workerd's asset router: run_worker_first, static files and the
          // single-page fallback all hold on it, for HTTP as for WebSockets.
          unsafeDirectSockets: [{ host, port: options.port }],
        },
      ],
    }),
  );
  await miniflare.ready;
  const { port } = await miniflare.unsafeGetDirectURL();
  return {
    url: `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}`,
    processIds: workerdProcessIds,
    stop: () => miniflare.dispose(),
  };
}

/** Wrangler names the bundle after the main file; that one comes first, and the rest are text modules. */
function bundledModules(): { type: "ESModule" | "Text"; path: string }[] {
  const files = readdirSync(project.workerBundle).filter((file) => !/\.map$|^README/.test(file));
  files.sort((a, b) => Number(b.endsWith(".js")) - Number(a.endsWith(".js")));
  return files.map((file) => ({
    type: file.endsWith(".js") ? "ESModule" : "Text",
    path: join(project.workerBundle, file),
  }));
}

/** Miniflare does not tell which process it started, so the process table has to. */
function workerdProcessIds(): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => isWorkerdOfOurs(entry))
    .map(Number);
}

function isWorkerdOfOurs(entry: string): boolean {
  try {
    const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
    const [, name, parentId] = /\((.*)\) \S (\d+)/.exec(stat) ?? [];
    return name === "workerd" && Number(parentId) === process.pid;
  } catch {
    return false; // The process ended between the listing and the reading.
  }
}
