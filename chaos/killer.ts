/** Kills with -9, starts again on the same state, and takes the time until messages are acknowledged again. */
import { setTimeout } from "node:timers/promises";
import type { ServerProcess } from "../scripts/server-process.ts";
import type { Rng } from "../sim/runtime/rng.ts";
import type { Crew, Person } from "./crew.ts";
import type { Ledger } from "./ledger.ts";
import { until } from "./until.ts";

export interface KillerOptions {
  server: ServerProcess;
  crew: Crew;
  ledger: Ledger;
  rng: Rng;
}

/** Apart from each other, and from the message that set them off. */
const apartMs = 400;
const serverDownMsMax = 1_500;
const clientDownMsMax = 2_500;
/** Clients that go with the runtime. */
const victimsMax = 2;
const recoveryMsMax = 300_000;

export class Killer {
  readonly recoveryMs: number[] = [];
  /** At each kill of the runtime. */
  readonly inFlight: number[] = [];
  clientKills = 0;
  /** From the last kill to the printed address. */
  #startedMs = 0;
  readonly #options: KillerOptions;

  constructor(options: KillerOptions) {
    this.#options = options;
  }

  /** The runtime, and up to two clients a little before or after it. Says what happened. */
  async killSome(): Promise<string> {
    const { crew, rng } = this.#options;
    const people = [...crew.people];
    const victims = Array.from({ length: rng.index(victimsMax + 1) }, () =>
      people.splice(rng.index(people.length), 1),
    ).flat();
    const clients = victims.map((person) =>
      this.#client(person, rng.between(0, apartMs), rng.between(0, clientDownMsMax)),
    );
    await Promise.all([this.#server(rng.between(0, apartMs), rng.between(0, serverDownMsMax)), ...clients]);
    for (const person of crew.people) if (!victims.includes(person)) crew.lookElsewhere(person);
    return this.#sentence(victims.length);
  }

  /** At one moment. */
  async killEverybody(): Promise<string> {
    const { crew } = this.#options;
    await Promise.all([this.#server(0, 0), ...crew.people.map((person) => this.#client(person, 0, 0))]);
    return this.#sentence(crew.people.length);
  }

  async #server(delayMs: number, downMs: number): Promise<void> {
    const { server, ledger, crew } = this.#options;
    await setTimeout(delayMs);
    this.inFlight.push(ledger.inFlight);
    const killedAt = performance.now();
    await server.kill();
    await setTimeout(downMs);
    await server.start();
    this.#startedMs = performance.now() - killedAt;
    // What the old runtime acknowledged has long been told by now, apart from what a killed client finds in its store.
    const before = ledger.freshlyAcked;
    const isBack = () => ledger.freshlyAcked > before || crew.waiting === 0;
    await until("a message acknowledged after a kill", recoveryMsMax, isBack);
    this.recoveryMs.push(performance.now() - killedAt);
  }

  async #client(person: Person, delayMs: number, downMs: number): Promise<void> {
    await setTimeout(delayMs);
    await person.process.kill();
    this.clientKills += 1;
    await setTimeout(downMs);
    await this.#options.crew.restart(person);
  }

  #sentence(victims: number): string {
    const clients = `${victims} ${victims === 1 ? "client" : "clients"}`;
    const inFlight = this.inFlight.at(-1) ?? 0;
    const recovery = Math.round(this.recoveryMs.at(-1) ?? 0);
    const started = Math.round(this.#startedMs);
    return `runtime and ${clients} with ${inFlight} in flight, up after ${started} ms, acknowledging after ${recovery} ms`;
  }
}
