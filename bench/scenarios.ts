/**
 * The scenarios. A window of messages is under way in each pair; a delivery makes room for the next one. So a server
 * that is slower is asked less, and figures of a saturated server are its throughput, not the length of a queue.
 */

import type { Pair, PairEvents, Server } from "./contender.ts";
import { cpuSecondsOf, ownCpuSeconds } from "./cpu.ts";
import { Samples } from "./samples.ts";

export interface Scenario {
  title: string;
  pairs: number;
  /** Messages under way in each pair. */
  window: number;
  warmUpSeconds: number;
  /** The measured part ends after so many seconds, or after so many messages. */
  seconds: number;
  messages: number;
}

export const scenarios = {
  s1: {
    title: "S1: one pair, one message after another",
    pairs: 1,
    window: 1,
    warmUpSeconds: 1,
    seconds: 60,
    messages: 200,
  },
  s2: {
    title: "S2: 50 pairs, 16 messages under way in each",
    pairs: 50,
    window: 16,
    warmUpSeconds: 2,
    seconds: 15,
    messages: Infinity,
  },
} satisfies Record<string, Scenario>;
export type ScenarioName = keyof typeof scenarios;

export interface Figures {
  messagesPerSecond: number;
  deliveryP50Ms: number | null;
  deliveryP99Ms: number | null;
  /** From sending to the server's acknowledgement; null where the protocol has none. */
  ackP50Ms: number | null;
  ackP99Ms: number | null;
  /** Null where the operating system does not tell. */
  serverCpuMicrosPerMessage: number | null;
  /** 1 is one core. */
  serverCpuCores: number | null;
  generatorCpuCores: number;
  /** Sent and not delivered within five seconds of the end. */
  lost: number;
}

const drainSeconds = 5;
const openAtOnce = 8;

export async function measure(server: Server, scenario: Scenario): Promise<Figures> {
  const load = new Load(scenario);
  await load.open(server);
  if (scenario.pairs > 1) await server.settle();
  try {
    return await load.run(() => cpuSecondsOf(server.processIds()));
  } finally {
    load.close();
  }
}

class Load {
  readonly #scenario: Scenario;
  readonly #deliveries = new Samples();
  readonly #acks = new Samples();
  readonly #lanes: Lane[] = [];
  readonly #failure = Promise.withResolvers<never>();
  #delivered = 0;
  #isMeasuring = false;
  #isStopped = false;
  /** Called once the measured part has its messages. */
  #enough: () => void = () => undefined;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#failure.promise.catch(() => undefined);
  }

  async open(server: Server): Promise<void> {
    let left = this.#scenario.pairs;
    const openSome = async () => {
      while (left-- > 0) this.#lanes.push(await this.#openLane(server));
    };
    await Promise.race([Promise.all(Array.from({ length: openAtOnce }, openSome)), this.#failure.promise]);
  }

  async run(serverCpu: () => number | null): Promise<Figures> {
    for (const lane of this.#lanes) lane.send(this.#scenario.window);
    await this.#wait(this.#scenario.warmUpSeconds);
    const before = {
      at: performance.now(),
      delivered: this.#delivered,
      server: serverCpu(),
      own: ownCpuSeconds(),
    };
    this.#isMeasuring = true;
    await Promise.race([
      this.#wait(this.#scenario.seconds),
      new Promise<void>((resolve) => (this.#enough = resolve)),
    ]);
    this.#isMeasuring = false;
    const seconds = (performance.now() - before.at) / 1000;
    const server = difference(serverCpu(), before.server);
    const own = ownCpuSeconds() - before.own;
    const messages = this.#delivered - before.delivered;
    return {
      messagesPerSecond: messages / seconds,
      deliveryP50Ms: this.#deliveries.percentile(0.5),
      deliveryP99Ms: this.#deliveries.percentile(0.99),
      ackP50Ms: this.#acks.percentile(0.5),
      ackP99Ms: this.#acks.percentile(0.99),
      serverCpuMicrosPerMessage: server === null ? null : (server / messages) * 1e6,
      serverCpuCores: server === null ? null : server / seconds,
      generatorCpuCores: own / seconds,
      lost: await this.#drain(),
    };
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
  }

  async #openLane(server: Server): Promise<Lane> {
    const lane = new Lane();
    const events: PairEvents = {
      delivered: (count) => this.#onDelivered(lane, count),
      accepted: (count) => lane.accepted(count, this.#isMeasuring ? this.#acks : null),
      failed: (error) => this.#failure.reject(error),
    };
    lane.pair = await server.openPair(events);
    return lane;
  }

  #onDelivered(lane: Lane, count: number): void {
    lane.delivered(count, this.#isMeasuring ? this.#deliveries : null);
    this.#delivered += count;
    if (this.#deliveries.count >= this.#scenario.messages) this.#enough();
    if (!this.#isStopped) lane.send(count);
  }

  async #drain(): Promise<number> {
    this.#isStopped = true;
    const underWay = () => this.#lanes.reduce((sum, lane) => sum + lane.underWay, 0);
    for (let waited = 0; underWay() > 0 && waited < drainSeconds; waited += 0.05) await this.#wait(0.05);
    return underWay();
  }

  async #wait(seconds: number): Promise<void> {
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, seconds * 1000);
    await Promise.race([timer.promise, this.#failure.promise]).finally(() => clearTimeout(timeout));
  }
}

/** When the messages of one pair were sent, by their number. */
class Lane {
  pair: Pair | null = null;
  readonly #sentAt = new Float64Array(4096);
  #sent = 0;
  #delivered = 0;
  #accepted = 0;

  get underWay(): number {
    return this.#sent - this.#delivered;
  }

  send(count: number): void {
    const now = performance.now();
    for (let i = 0; i < count; i++) this.#sentAt[this.#sent++ % this.#sentAt.length] = now;
    this.pair?.send(count);
  }

  delivered(count: number, samples: Samples | null): void {
    this.#delivered = this.#note(this.#delivered, count, samples);
  }

  accepted(count: number, samples: Samples | null): void {
    this.#accepted = this.#note(this.#accepted, count, samples);
  }

  close(): void {
    this.pair?.close();
  }

  #note(from: number, count: number, samples: Samples | null): number {
    const now = performance.now();
    for (let i = from; i < from + count; i++)
      samples?.add(now - (this.#sentAt[i % this.#sentAt.length] ?? now));
    return from + count;
  }
}

function difference(after: number | null, before: number | null): number | null {
  return after === null || before === null ? null : after - before;
}
