/**
 * The messenger as users run it, as a process group of its own, so that a test can end it with kill -9 (Node and
 * workerd at once) and start it again on the same state and port.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { project } from "./project.ts";

export class ServerProcess {
  readonly port: number;
  readonly url: string;
  /** Everything that outlives the process: databases, write-ahead logs, the bucket. */
  readonly stateDir = mkdtempSync(join(tmpdir(), "kittiwake-state-"));
  /** What it has printed since it was last started. */
  output = "";
  #process: ChildProcess | null = null;
  #isDisposed = false;

  private constructor(port: number) {
    this.port = port;
    this.url = `http://localhost:${port}`;
  }

  /** Needs a finished build in dist. */
  static async start(): Promise<ServerProcess> {
    const server = new ServerProcess(await freePort());
    await server.start();
    return server;
  }

  /** Resolves when the address has been printed. */
  async start(): Promise<void> {
    // An interrupted test may still be about to start it again, and nobody would end that one.
    if (this.#isDisposed) throw new Error("this server is disposed of");
    const child = spawn(
      process.execPath,
      ["scripts/start.ts", "--no-build", "--port", String(this.port), "--state", this.stateDir],
      { cwd: project.root, detached: true, stdio: ["ignore", "pipe", "pipe"] },
    );
    this.#process = child;
    this.output = "";
    await new Promise<void>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        this.output += chunk.toString();
        if (this.output.includes("Kittiwake is at")) resolve();
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${this.output}`)));
    });
  }

  /** kill -9 of the whole group: no handler runs, nothing is flushed. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child?.pid === undefined) return;
    this.#process = null;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    process.kill(-child.pid, "SIGKILL");
    await ended;
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await this.kill();
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      if (address === null || typeof address === "string") return reject(new Error("no port"));
      probe.close(() => resolve(address.port));
    });
  });
}
