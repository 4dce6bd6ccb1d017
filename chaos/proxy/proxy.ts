/**
 * The bad network: stands between clients and the server on 127.0.0.1, and takes out single frames, stalls, black-holes
 * and cuts connections, by a seed.
 */
import { createServer, type Server, type Socket } from "node:net";
import { z } from "zod";
import type { Rng } from "../../sim/runtime/rng.ts";
import { type Direction, Link } from "./link.ts";

export interface ProxyOptions {
  serverPort: number;
  rng: Rng;
}

export interface ProxyCounts {
  dropped: Record<Direction, number>;
  stalled: number;
  blackHoled: number;
  cut: number;
}

/** Of what clients send, as much as tells which messages are in it. */
const framesSchema = z.array(z.object({ type: z.string(), message_id: z.string().optional() }));

/** Per text frame. */
const dropChance = 1 / 100;
const faultPauseMs = [300, 1_500] as const;
const stallMs = [200, 3_000] as const;

export class ChaosProxy {
  readonly counts: ProxyCounts = { dropped: { up: 0, down: 0 }, stalled: 0, blackHoled: 0, cut: 0 };
  /** Messages in frames that were taken out while later ones of the same connection passed. */
  readonly droppedSendIds = new Set<string>();
  readonly #options: ProxyOptions;
  readonly #links = new Set<Link>();
  readonly #server: Server;
  #isBad = false;
  #timer: NodeJS.Timeout | null = null;

  private constructor(options: ProxyOptions) {
    this.#options = options;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async start(options: ProxyOptions): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(options);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  misbehave(): void {
    this.#isBad = true;
    this.#scheduleFault();
  }

  /** Everything works again, and what was broken is gone for good. */
  behave(): void {
    this.#isBad = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const link of this.#links) link.cut();
  }

  stop(): void {
    this.behave();
    this.#server.close();
  }

  #accept(client: Socket): void {
    const { serverPort, rng } = this.#options;
    const link: Link = new Link({
      client,
      serverPort,
      isDropped: () => this.#isBad && rng.chance(dropChance),
      dropped: (direction, text) => this.#dropped(direction, text),
      ended: () => this.#links.delete(link),
    });
    this.#links.add(link);
  }

  #dropped(direction: Direction, text: string): void {
    this.counts.dropped[direction] += 1;
    if (direction === "down" || !text.startsWith("[")) return;
    for (const { type, message_id: id } of framesSchema.parse(JSON.parse(text)))
      if (type === "send" && id !== undefined) this.droppedSendIds.add(id);
  }

  #scheduleFault(): void {
    const { rng } = this.#options;
    this.#timer = setTimeout(
      () => {
        this.#fault();
        this.#scheduleFault();
      },
      rng.between(...faultPauseMs),
    );
  }

  #fault(): void {
    const { rng } = this.#options;
    const link = rng.pick([...this.#links].filter((candidate) => candidate.isSocket));
    const choice = rng.next();
    if (link === undefined) return;
    if (choice < 0.5) {
      this.counts.stalled += 1;
      link.stall(rng.between(...stallMs));
    } else if (choice < 0.85) {
      this.counts.cut += 1;
      link.cut();
    } else {
      this.counts.blackHoled += 1;
      link.blackHole();
    }
  }
}
