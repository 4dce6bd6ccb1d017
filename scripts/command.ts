// Runs a program of node_modules/.bin and waits for it, with its output shown or kept.
import { type ChildProcess, spawn } from "node:child_process";
import { project } from "./project.ts";

export interface CommandResult {
  exitCode: number;
  /** Both output streams in order of arrival; empty when they were shown instead. */
  output: string;
}

export interface CommandOptions {
  /** "keep" collects the output for the caller, "show" passes it through as it comes. */
  output: "keep" | "show";
  env?: Record<string, string>;
  /** The repository unless another folder is named. */
  cwd?: string;
  /** The tool and all that it started are ended after this long; the exit code is then `timedOut`. */
  limitMs?: number;
}

export const timedOut = 124;

export function runTool(tool: string, args: string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(project.bin(tool), args, {
      cwd: options.cwd ?? project.root,
      env: { ...process.env, ...quietWrangler, ...plainWhenPiped, ...options.env },
      stdio: [
        "ignore",
        options.output === "show" ? "inherit" : "pipe",
        options.output === "show" ? "inherit" : "pipe",
      ],
      // A group of its own, so that what it starts ends with it.
      detached: options.limitMs !== undefined,
    });
    const limit = options.limitMs === undefined ? null : endAfter(child, options.limitMs);
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      const isOver = limit?.clear() === true;
      resolve({ exitCode: isOver ? timedOut : (code ?? 1), output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}

/** Ends the child's group when the time is up, or when this process ends first. */
function endAfter(child: ChildProcess, limitMs: number): { clear(): boolean } {
  let isOver = false;
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  };
  const timer = setTimeout(() => {
    isOver = true;
    end();
  }, limitMs);
  // Before anybody clears away the folder that it runs in.
  process.prependOnceListener("exit", end);
  return {
    clear: () => {
      clearTimeout(timer);
      process.off("exit", end);
      return isOver;
    },
  };
}

/** Some tools colour their output even when it goes to a file. */
const plainWhenPiped = process.stdout.isTTY ? {} : { NO_COLOR: "1" };

/** Wrangler and Miniflare neither report usage nor fetch a sample of request metadata: all works offline. */
const quietWrangler = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_LOG_PATH: ".wrangler/logs",
};
