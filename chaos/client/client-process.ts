/** One client as the run sees it: a process that is started, told things, killed with -9 and started again. */
import { type ChildProcess, fork } from "node:child_process";
import type { ClientSettings, FromClient, ToClient } from "./messages.ts";

export interface ClientProcessOptions {
  settings: ClientSettings;
  /** The module that is run. */
  script: string;
  heard(message: FromClient): void;
  /** It ended, and nobody had killed it. */
  broke(error: Error): void;
}

export class ClientProcess {
  readonly settings: ClientSettings;
  readonly #options: ClientProcessOptions;
  #child: ChildProcess | null = null;

  constructor(options: ClientProcessOptions) {
    this.#options = options;
    this.settings = options.settings;
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  /** Resolves with the user's id when the SDK is open and logged in. */
  async start(): Promise<string> {
    const { settings, script, heard, broke } = this.#options;
    const child = fork(script, [JSON.stringify(settings)], {
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child = child;
    let complaint = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    return await new Promise((resolve, reject) => {
      child.on("message", (message: FromClient) => {
        if (message.type === "ready") resolve(message.userId);
        heard(message);
      });
      child.once("close", (code) => {
        const error = new Error(`${settings.name} ended with ${code}: ${complaint}`);
        reject(error);
        if (this.#child !== child) return;
        // Nothing is left to kill, and nobody may wait for its end.
        this.#child = null;
        broke(error);
      });
    });
  }

  /** What is said to a process that was just killed is lost, as it would be. */
  tell(message: ToClient): void {
    if (this.#child?.connected === true) this.#child.send(message, () => {});
  }

  /** kill -9. What it had said before is still heard. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
  }
}
