/**
 * An ejabberd of one's own: empty database, own configuration, free ports on 127.0.0.1. Its processes are a group of their
 * own, and the group is ended as a whole: at the end, on failure, and when this process exits.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  accessSync,
  chownSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout } from "node:timers/promises";

/** The user that the packages make for ejabberd, and that ejabberdctl wants to be run by. */
const packageUser = "ejabberd";
const startSecondsMax = 60;

interface Ports {
  XMPP_PORT: number;
  HTTP_PORT: number;
  DIST_PORT: number;
}

export class EjabberdNode {
  readonly #ports: Ports;
  readonly #directory: string;
  readonly #process: ChildProcess;
  readonly #end = () => {
    kill(this.#process.pid);
    // What is killed may still be writing.
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  };
  #output = "";

  private constructor(command: string, ports: Ports) {
    this.#ports = ports;
    this.#directory = mkdtempSync(join(tmpdir(), "kittiwake-bench-ejabberd-"));
    const owner = process.getuid?.() === 0 ? userOfPackage() : {};
    writeFiles(this.#directory, ports, owner);
    const folders = ["--config-dir", "config", "--spool", "spool", "--logs", "logs"];
    const options = folders.map((word) => (word.startsWith("--") ? word : join(this.#directory, word)));
    // Run by root, ejabberdctl would change the user with su, whose child leaves the group.
    this.#process = spawn(command, [...options, "--node", "kittiwake-bench@localhost", "foreground"], {
      env: { ...process.env, HOME: this.#directory },
      cwd: this.#directory,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      ...owner,
    });
    const keep = (text: Buffer) => (this.#output = `${this.#output}${text}`.slice(-2_000));
    this.#process.stdout?.on("data", keep);
    this.#process.stderr?.on("data", keep);
    process.once("exit", this.#end);
  }

  static async start(command: string): Promise<EjabberdNode> {
    const [XMPP_PORT, HTTP_PORT, DIST_PORT] = await freePorts();
    const node = new EjabberdNode(command, { XMPP_PORT, HTTP_PORT, DIST_PORT });
    try {
      await node.#ready();
    } catch (error) {
      await node.stop();
      throw error;
    }
    return node;
  }

  get xmppPort(): number {
    return this.#ports.XMPP_PORT;
  }

  async register(host: string, user: string, password: string): Promise<void> {
    const response = await this.#post("register", { host, user, password });
    if (!response.ok)
      throw new Error(`ejabberd answered register with ${response.status}: ${await response.text()}`);
  }

  /** The whole group: the Erlang virtual machine and its helpers. */
  processIds(): number[] {
    const entries = process.platform === "linux" ? readdirSync("/proc") : [];
    return entries.filter((entry) => /^\d+$/.test(entry) && groupOf(entry) === this.#process.pid).map(Number);
  }

  async stop(): Promise<void> {
    process.off("exit", this.#end);
    const hasEnded = this.#process.exitCode !== null || this.#process.signalCode !== null;
    const exit = hasEnded ? undefined : once(this.#process, "exit");
    this.#end();
    await exit;
  }

  async #ready(): Promise<void> {
    for (const end = Date.now() + startSecondsMax * 1000; Date.now() < end; await setTimeout(200)) {
      if (this.#process.exitCode !== null) break;
      if (await this.#post("status", {}).then(Boolean, () => false)) return;
    }
    throw new Error(`ejabberd did not start. It said: ${this.#output}`);
  }

  async #post(command: string, body: object): Promise<Response> {
    return await fetch(`http://127.0.0.1:${this.#ports.HTTP_PORT}/api/${command}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }
}

/** Where it is installed, or null. */
export function findEjabberd(): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, "ejabberdctl")).find(isExecutable) ?? null;
}

function writeFiles(directory: string, ports: Ports, owner: { uid?: number; gid?: number }): void {
  const template = readFileSync(new URL("ejabberd.yml", import.meta.url), "utf8");
  const configuration = template
    .replace("$XMPP_PORT", String(ports.XMPP_PORT))
    .replace("$HTTP_PORT", String(ports.HTTP_PORT));
  const folders = ["config", "spool", "logs"].map((name) => join(directory, name));
  for (const folder of folders) mkdirSync(folder);
  writeFileSync(join(directory, "config/ejabberd.yml"), configuration);
  // Erlang's own port: fixed, so that no port mapper is started; on loopback, like the others.
  const distribution = `INET_DIST_INTERFACE=127.0.0.1\nERL_DIST_PORT=${ports.DIST_PORT}\n`;
  writeFileSync(join(directory, "config/ejabberdctl.cfg"), distribution);
  const { uid, gid } = owner;
  if (uid === undefined || gid === undefined) return;
  for (const folder of [directory, ...folders]) chownSync(folder, uid, gid);
}

/** Nothing where the package made no such user: then ejabberdctl does not ask for it either. */
function userOfPackage(): { uid?: number; gid?: number } {
  const passwd = readFileSync("/etc/passwd", "utf8").split("\n");
  const fields = passwd.find((line) => line.startsWith(`${packageUser}:`))?.split(":");
  return fields === undefined ? {} : { uid: Number(fields[2]), gid: Number(fields[3]) };
}

function kill(group: number | undefined): void {
  if (group === undefined) return;
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

function groupOf(processId: string): number | null {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, "utf8");
    // After the name: state, parent, group.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
  } catch {
    return null; // It ended between the listing and the reading.
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Three that nobody listens on now: all are held before any is let go. */
async function freePorts(): Promise<[number, number, number]> {
  const servers = [createServer(), createServer(), createServer()] as const;
  for (const server of servers) await once(server.listen(0, "127.0.0.1"), "listening");
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  for (const server of servers) server.close();
  const [one = 0, two = 0, three = 0] = ports;
  return [one, two, three];
}
