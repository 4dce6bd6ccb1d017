/**
 * A user's device: the real SDK on a store that outlives it, a clock that may be wrong, a network that comes and goes.
 * Its app may be closed without warning, at any event, and opened again on the same store.
 */
import type { Kittiwake } from "../../src/client/contract.ts";
import type { Environment } from "../../src/client/environment.ts";
import { KittiwakeClient } from "../../src/client/kittiwake.ts";
import type { SessionRecord, ValueRecord } from "../../src/client/store/records.ts";
import { aloneTabs } from "../../src/client/tabs/tabs.ts";
import { engines } from "../crypto/engines.ts";
import type { Edge } from "../runtime/edge.ts";
import type { Rng } from "../runtime/rng.ts";
import type { Caller } from "../runtime/rpc.ts";
import { describe } from "../runtime/sim-object.ts";
import type { World } from "../runtime/world.ts";
import type { DeviceSocket } from "./device-socket.ts";
import { makeEnvironment } from "./environment.ts";
import { MemoryStore, StoreData } from "./memory-store.ts";
import type { SimTabs } from "./sim-tabs.ts";

export interface DeviceIdentity {
  user: string;
  phone: string;
  number: number;
}

export class Device implements Caller {
  readonly world: World;
  readonly edge: Edge;
  readonly identity: DeviceIdentity;
  readonly name: string;
  readonly rng: Rng;
  readonly data: StoreData;
  /** All tabs of this browser, this one included: one machine, one network, one store. */
  readonly tabs: Device[];
  readonly #port: SimTabs | null;
  readonly sockets = new Set<DeviceSocket>();
  skewMs = 0;
  isOnline = true;
  /** Added to what the network takes anyway. Milliseconds. */
  slownessMs = 0;
  app: Kittiwake | null = null;
  life: object | null = null;
  /** Chats on screen, with what closes them. */
  readonly screen = new Map<string, () => void>();
  /** Close the app without warning after so many more turns. */
  doomTurns: number | null = null;
  /** A call of the app (register, start a chat) that has not returned. */
  isBusy = false;

  /** `beside` is the tab that this one is opened beside. */
  constructor(
    world: World,
    edge: Edge,
    identity: DeviceIdentity,
    port: SimTabs | null = null,
    beside?: Device,
  ) {
    this.world = world;
    this.edge = edge;
    this.identity = identity;
    this.name = `${identity.user}/${identity.number}${beside === undefined ? "" : "b"}`;
    this.rng = world.rng(this.name);
    this.data = beside?.data ?? new StoreData();
    this.tabs = beside?.tabs ?? [];
    this.tabs.push(this);
    this.skewMs = beside?.skewMs ?? 0;
    this.#port = port;
  }

  get session(): SessionRecord | null {
    const record = this.data.get("values", ["session"]) as ValueRecord | null;
    return record === null ? null : (record.value as SessionRecord);
  }
  /** `user.device`, or null while signed out. */
  get key(): string | null {
    const { session } = this;
    return session === null ? null : `${session.userId}.${session.deviceId}`;
  }

  endTurn(): void {
    if (this.doomTurns === null || this.life === null) return;
    this.doomTurns -= 1;
    if (this.doomTurns <= 0) this.kill();
  }
  failed(error: unknown): void {
    this.world.observer.unexpected(this.name, `threw: ${describe(error)}`);
  }

  netDelayMs(): number {
    const [from, to] = this.world.faults.netDelayMs;
    return this.rng.between(from, to) + (this.slownessMs > 0 ? this.rng.between(0, this.slownessMs) : 0);
  }

  /** In a turn of this device. */
  open(): void {
    if (this.app !== null) return;
    const life = {};
    this.life = life;
    this.isBusy = false;
    const environment: Environment = makeEnvironment(this, life);
    const app = new KittiwakeClient({
      url: "https://sim",
      store: this.#openStore(life),
      environment,
      crypto: engines[this.world.engine](),
      tabs: this.#port?.portOf(this) ?? aloneTabs(),
    });
    this.app = app;
    app.resume().catch((error: unknown) => this.failed(error));
  }

  /** The operating system ends the app: no code of it runs any more. */
  kill(): void {
    this.doomTurns = null;
    if (this.life === null) return;
    this.world.say(this.name, () => "the app is gone without warning");
    this.#forget();
  }

  /** Somebody, or the network's time, sets it: mostly to about the right one, sometimes days off. */
  setClock(share: number, amount: number): void {
    const reachMs = share < 0.6 ? 10_000 : 3 * 86_400_000;
    for (const tab of this.tabs) tab.skewMs = (amount * 2 - 1) * reachMs;
    this.world.say(this.name, () => `has its clock set ${Math.round(this.skewMs / 1000)} s off`);
  }

  /** The whole machine goes down. */
  losePower(share: number): void {
    this.world.say(this.name, () => "loses power");
    for (const tab of this.tabs) tab.kill();
    this.data.losePower(share);
    this.world.observer.lostPower(this);
  }

  /** The app closes itself properly. */
  close(): void {
    const { app } = this;
    if (app === null) return;
    this.world.say(this.name, () => "closes the app");
    app.close().catch((error: unknown) => this.failed(error));
    this.#forget();
  }

  goOffline(): void {
    for (const tab of this.tabs) tab.#goOffline();
  }
  goOnline(): void {
    for (const tab of this.tabs) tab.#goOnline();
  }

  #goOffline(): void {
    this.world.say(this.name, () => "loses the network");
    this.isOnline = false;
    for (const socket of this.sockets) {
      if (this.rng.chance(0.3)) socket.wire?.cut();
      else socket.wire?.swallow("both");
    }
  }
  #goOnline(): void {
    if (this.isOnline) return;
    this.world.say(this.name, () => "has the network back");
    this.isOnline = true;
  }

  #forget(): void {
    if (this.life !== null) this.#port?.gone(this.life);
    this.app = null;
    this.life = null;
    this.screen.clear();
    this.isBusy = false;
    for (const socket of [...this.sockets]) socket.close();
  }

  #openStore(life: object): MemoryStore {
    return new MemoryStore({
      data: this.data,
      isSlow: () => this.rng.chance(this.world.faults.storeSlowChance),
      isRefused: () => this.rng.chance(this.world.faults.storeFailsChance),
      later: (run) =>
        void this.world.scheduler.after(this.rng.between(0.1, 25), "store", this, () => {
          if (this.life === life) run();
        }),
      onApply: (changes) => this.world.observer.stored(this, changes),
    });
  }
}
