/** The people of a run: one process each, in a ring of direct chats, writing as long as fewer than enough are waiting. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Rng } from "../sim/runtime/rng.ts";
import { ClientProcess } from "./client/client-process.ts";
import type { FromClient } from "./client/messages.ts";
import type { Lane, Ledger } from "./ledger.ts";
import type { Texts } from "./texts.ts";
import { until } from "./until.ts";

export interface CrewOptions {
  count: number;
  /** What clients take for the server. */
  url: string;
  /** Where their stores are. */
  folder: string;
  /** What runs as a client; default: the SDK as it is. */
  script?: string;
  ledger: Ledger;
  texts: Texts;
  rng: Rng;
  /** Something went wrong that no kill explains. */
  broke(error: Error): void;
}

export interface Person {
  process: ClientProcess;
  lanes: Lane[];
}

/** Messages waiting for their tick, which senders keep up all together: over 100 of them are then in flight. */
const waitingMin = 256;
const shownChance = 0.5;
const chatPatienceMs = 20_000;

export class Crew {
  readonly people: Person[] = [];
  readonly #options: CrewOptions;
  #isWriting = false;
  #chats: string[] = [];

  constructor(options: CrewOptions) {
    this.#options = options;
    for (let index = 0; index < options.count; index += 1) this.people.push(this.#person(index));
  }

  get lanes(): Lane[] {
    return this.people.flatMap((person) => person.lanes);
  }
  get waiting(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.waiting.size, 0);
  }

  /** Registers everybody, and founds the chats. */
  async assemble(): Promise<void> {
    const ids: string[] = [];
    for (const { process } of this.people) ids.push(await process.start());
    for (const [index, person] of this.people.entries()) {
      const next = this.people[(index + 1) % this.people.length];
      if (next === undefined) continue;
      // Both ask for it: the second finds the one that is there, and knows it from then on.
      const conversationId = await this.#chat(person, next);
      await this.#chat(next, person);
      for (const [{ process, lanes }, senderId] of [
        [person, ids[index] ?? ""],
        [next, ids[(index + 1) % ids.length] ?? ""],
      ] as const) {
        lanes.push({ sender: process.settings.name, senderId, conversationId, waiting: new Set() });
      }
    }
  }

  startWriting(): void {
    this.#isWriting = true;
    for (const person of this.people) for (const lane of person.lanes) this.#fill(person, lane);
  }
  stopWriting(): void {
    this.#isWriting = false;
  }

  /** On the same store; what was on its way before is asked for first. */
  async restart(person: Person): Promise<void> {
    await person.process.start();
    for (const lane of person.lanes) {
      const { conversationId } = lane;
      person.process.tell({ type: "find", conversationId, texts: [...lane.waiting] });
      this.#fill(person, lane);
    }
    this.lookElsewhere(person);
  }

  /** Which chats are on screen changes. */
  lookElsewhere({ process, lanes }: Person): void {
    for (const { conversationId } of lanes)
      process.tell({ type: "show", conversationId, isShown: this.#options.rng.chance(shownChance) });
  }

  async killAll(): Promise<void> {
    await Promise.all(this.people.map(({ process }) => process.kill()));
  }

  #person(index: number): Person {
    const { url, folder, script, broke } = this.#options;
    const name = `Person${index + 1}`;
    const settings = {
      url,
      name,
      phone: `+1415555${2000 + index}`,
      storePath: join(folder, `${name}.sqlite`),
    };
    const person: Person = {
      lanes: [],
      process: new ClientProcess({
        settings,
        script: script ?? fileURLToPath(new URL("client/main.ts", import.meta.url)),
        heard: (message) => this.#heard(person, message),
        broke,
      }),
    };
    return person;
  }

  async #chat(person: Person, other: Person): Promise<string> {
    const { length } = this.#chats;
    person.process.tell({ type: "start_chat", phone: other.process.settings.phone });
    await until("a chat", chatPatienceMs, () => this.#chats.length > length);
    return this.#chats.at(-1) ?? "";
  }

  #heard(person: Person, message: FromClient): void {
    if (message.type === "chat") this.#chats.push(message.conversationId);
    this.#options.ledger.heard(message);
    if (message.type !== "acked" && message.type !== "failed") return;
    for (const lane of person.lanes) this.#fill(person, lane);
  }

  #fill(person: Person, lane: Lane): void {
    if (!this.#isWriting || !person.process.isRunning) return;
    const { ledger, texts } = this.#options;
    const laneWaiting = Math.ceil(waitingMin / this.lanes.length);
    const fresh: string[] = [];
    while (lane.waiting.size < laneWaiting) {
      const text = texts.next(lane.sender);
      ledger.order(lane, text);
      fresh.push(text);
    }
    if (fresh.length === 0) return;
    person.process.tell({ type: "write", conversationId: lane.conversationId, texts: fresh });
  }
}
