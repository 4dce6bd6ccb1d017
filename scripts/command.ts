// Runs a program of node_modules/.bin and waits for it, with its output shown or kept.
import { spawn } from "node:child_process";
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
}

export function runTool(tool: string, args: string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(project.bin(tool), args, {
      cwd: project.root,
      env: { ...process.env, ...quietWrangler, ...plainWhenPiped, ...options.env },
      stdio: [
        "ignore",
        options.output === "show" ? "inherit" : "pipe",
        options.output === "show" ? "inherit" : "pipe",
      ],
    });
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ exitCode: code ?? 1, output: Buffer.concat(chunks).toString("utf8") });
    });
  });
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
