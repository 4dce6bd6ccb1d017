/**
 * A chaos run: the real runtime and real clients as processes under load, over a bad network, killed with -9 at seeded
 * moments and started again on what they left on disk. In the end the judge compares what everybody holds.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ServerProcess } from "../scripts/server-process.ts";
import { Rng } from "../sim/runtime/rng.ts";
import { Crew } from "./crew.ts";
import { gatherConversations, isLevel } from "./gather.ts";
import type { Evidence } from "./judge/evidence.ts";
import { judge, type Verdict } from "./judge/judge.ts";
import { Killer } from "./killer.ts";
import { Ledger } from "./ledger.ts";
import { ChaosProxy, type ProxyCounts } from "./proxy/proxy.ts";
import { Texts } from "./texts.ts";
import { Impatience, until } from "./until.ts";

export interface ChaosOptions {
  /** Of the runtime. */
  kills: number;
  /** To be acknowledged before the last kill. */
  messages: number;
  clients: number;
  seed: string;
  /** What runs as a client, where it is not the SDK as it is. */
  clientScript?: string;
  /** How long everybody may take to have everything once nothing breaks any more. */
  settleMs?: number;
  progress(line: string): void;
}

export interface ChaosOutcome {
  verdict: Verdict;
  kills: number;
  clientKills: number;
  /** Of each kill of the runtime: until the first message that was acknowledged by what came after it. */
  recoveryMs: number[];
  /** The fewest messages in flight when the runtime was killed. */
  inFlightMin: number;
  proxy: ProxyCounts;
}

/** These are for machines that are busy with other things; on an idle one all of it takes a second or two. */
const settleMsUsual = 180_000;
const settleLookMs = 500;
/** Between a quarter of a share after the last kill and the end of the share: never two kills at one moment. */
const killShare = [0.25, 1] as const;
const stuckMs = 300_000;

export class Chaos {
  readonly #options: ChaosOptions;
  readonly #server: ServerProcess;
  readonly #proxy: ChaosProxy;
  readonly #folder = mkdtempSync(join(tmpdir(), "kittiwake-chaos-"));
  readonly #ledger = new Ledger();
  readonly #crew: Crew;
  readonly #killer: Killer;
  readonly #rng: Rng;
  #broken: Error | null = null;

  private constructor(options: ChaosOptions, server: ServerProcess, proxy: ChaosProxy) {
    const { seed, clients, clientScript } = options;
    this.#options = options;
    this.#server = server;
    this.#proxy = proxy;
    this.#rng = new Rng(`${seed}/moments`);
    this.#crew = new Crew({
      count: clients,
      url: proxy.url,
      folder: this.#folder,
      ...(clientScript === undefined ? {} : { script: clientScript }),
      ledger: this.#ledger,
      texts: new Texts(new Rng(`${seed}/texts`)),
      rng: new Rng(`${seed}/screens`),
      broke: (error) => {
        this.#broken ??= error;
      },
    });
    this.#killer = new Killer({
      server,
      crew: this.#crew,
      ledger: this.#ledger,
      rng: new Rng(`${seed}/kills`),
    });
  }

  /** Needs a finished build in dist. */
  static async prepare(options: ChaosOptions): Promise<Chaos> {
    const server = await ServerProcess.start();
    const proxy = await ChaosProxy.start({
      serverPort: server.port,
      rng: new Rng(`${options.seed}/network`),
    });
    return new Chaos(options, server, proxy);
  }

  async run(): Promise<ChaosOutcome> {
    const { kills, messages, progress } = this.#options;
    await this.#crew.assemble();
    progress(`${this.#crew.people.length} people in ${this.#crew.lanes.length / 2} chats; now it gets rough`);
    this.#proxy.misbehave();
    this.#crew.startWriting();
    for (let kill = 1; kill < kills; kill += 1) {
      const share = messages / kills;
      await this.#acked(Math.round(share * (kill - 1 + this.#rng.between(...killShare))));
      await this.#kill(kill, () => this.#killer.killSome());
    }
    await this.#acked(messages);
    // The last kill leaves nobody behind who could still mend what another one lost.
    this.#crew.stopWriting();
    await this.#kill(kills, () => this.#killer.killEverybody());
    this.#proxy.behave();
    await this.#settle();
    const verdict = judge(await this.#evidence());
    const { clientKills, recoveryMs, inFlight } = this.#killer;
    const inFlightMin = Math.min(...inFlight);
    return { verdict, kills, clientKills, recoveryMs, inFlightMin, proxy: this.#proxy.counts };
  }

  async dispose(): Promise<void> {
    this.#proxy.stop();
    await Promise.all([this.#crew.killAll(), this.#server.dispose()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #kill(number: number, kill: () => Promise<string>): Promise<void> {
    const what = await kill();
    this.#options.progress(
      `kill ${number} of ${this.#options.kills}: ${what}; ${this.#ledger.acked} acknowledged`,
    );
  }

  /** Resolves when so many messages are acknowledged; rejects if no more come, or a client broke. */
  async #acked(count: number): Promise<void> {
    while (this.#ledger.acked < count) {
      const before = this.#ledger.acked;
      await until(
        "another acknowledged message",
        stuckMs,
        () => this.#ledger.acked > before || this.#broken !== null,
      );
      if (this.#broken !== null) throw this.#broken;
    }
  }

  /** Waits until nothing is on its way and every store is at the head. If that never comes, the judge tells why. */
  async #settle(): Promise<void> {
    const patienceMs = this.#options.settleMs ?? settleMsUsual;
    const end = performance.now() + patienceMs;
    const [people, url] = [this.#crew.people, this.#server.url];
    try {
      await until("a tick on every message", patienceMs, () => this.#crew.waiting === 0);
      while (!(await isLevel(people, url)) && performance.now() < end) await setTimeout(settleLookMs);
    } catch (error) {
      if (!(error instanceof Impatience)) throw error;
      this.#options.progress(error.message);
    }
  }

  /** From disk alone: clients are killed, and so is the runtime, which then serves the log from what it finds. */
  async #evidence(): Promise<Evidence> {
    await Promise.all([this.#crew.killAll(), this.#server.kill()]);
    await this.#server.start();
    const conversations = await gatherConversations(this.#crew.people, this.#server.url);
    const { orders, told } = this.#ledger;
    return { conversations, orders, told, overtakable: this.#proxy.droppedSendIds };
  }
}
