/**
 * One WebSocket connection between a device and an object. Frames keep their order in each direction and are lost only
 * together with the connection: a direction that once swallowed a frame swallows all that follow (half-open).
 */
import type { Device } from "../actors/device.ts";
import type { DeviceSocket } from "../actors/device-socket.ts";
import type { SimObject } from "./sim-object.ts";
import type { World } from "./world.ts";

type ToClient = { text: string } | { close: number };
type ToServer = { text: string } | { close: number };

/** Apart in time, so that order is kept. Milliseconds. */
const apartMs = 0.002;
const closeCodeCut = 1006;

export class Wire {
  readonly world: World;
  attachment: unknown = null;
  /** As in WebSocket.readyState, seen from the server. */
  serverState: 1 | 2 | 3 = 1;
  server: SimObject | null = null;
  device: Device | null = null;
  /** `user.device` that the token of the upgrade named. */
  key: string | null = null;
  pingedAt: Date | null = null;
  isCut = false;
  #socket: DeviceSocket | null = null;
  /** What the server sent before the device was attached. */
  #early: ToClient[] = [];
  #down = { lastAt: 0, isSwallowing: false };
  #up = { lastAt: 0, isSwallowing: false };

  constructor(world: World) {
    this.world = world;
  }

  accept(server: SimObject): void {
    this.server = server;
    server.wires.add(this);
  }

  /** The upgrade has been answered: the device hears of it, then of everything that was sent since. */
  attach(device: Device, socket: DeviceSocket): void {
    this.device = device;
    this.#socket = socket;
    this.#arrive(this.#down, this.#delay(), "socket open", device, () => socket.opened(this));
    for (const item of this.#early.splice(0)) this.toClient(item);
  }

  toClient(item: ToClient): void {
    const { device, server } = this;
    const socket = this.#socket;
    if (device === null || socket === null) {
      this.#early.push(item);
      return;
    }
    if ("text" in item && server !== null) this.world.observer.frameDown(device, this.key, item.text);
    this.#maybeFail();
    if (this.#down.isSwallowing || this.isCut) return;
    if ("text" in item) this.world.scheduler.mix(item.text.length);
    this.#arrive(this.#down, this.#delay(), "frame down", device, () => {
      if (this.#down.isSwallowing || this.isCut) return;
      if ("text" in item)
        return socket.received(this.world.faults.isMixed ? fromLater(item.text) : item.text);
      this.world.say(
        device.name,
        () => `has a socket to ${server?.name ?? "nobody"} closed with ${item.close}`,
      );
      socket.closed(item.close);
      // The device's side of the closing handshake.
      this.toServer({ close: item.close });
    });
  }

  toServer(item: ToServer): void {
    const { server } = this;
    if (server === null) return;
    this.#maybeFail();
    if (this.#up.isSwallowing || this.isCut) return;
    if ("text" in item) this.world.scheduler.mix(item.text.length);
    this.#arrive(this.#up, this.#delay(), "frame up", server, () => {
      if (this.#up.isSwallowing || this.isCut) return;
      if ("text" in item) this.#serverReceives(server, item.text);
      else this.#serverCloses(server, item.close);
    });
  }

  /** Both sides learn of it, each in its own time. What was on its way is lost. */
  cut(): void {
    if (this.isCut) return;
    this.isCut = true;
    const { device, server } = this;
    const socket = this.#socket;
    this.world.say(device?.name ?? "a device", () => `has a socket to ${server?.name ?? "nobody"} cut`);
    const { rng } = server ?? device ?? { rng: this.world.rng("wire") };
    if (device !== null && socket !== null) {
      this.world.scheduler.after(rng.between(1, 400), "socket lost", device, () =>
        socket.closed(closeCodeCut),
      );
    }
    if (server === null) return;
    if (this.serverState === 3) return this.#gone(server);
    this.world.scheduler.after(rng.between(1, 400), "socket lost", server, () =>
      this.#serverCloses(server, closeCodeCut),
    );
  }

  /** Half-open: nothing arrives that way any more, and nobody is told until heartbeats, or TCP, give up. */
  swallow(which: "up" | "down" | "both"): void {
    this.world.say(
      this.device?.name ?? "a device",
      () => `has a socket to ${this.server?.name ?? "nobody"} gone half-open (${which})`,
    );
    if (which !== "down") this.#up.isSwallowing = true;
    if (which !== "up") this.#down.isSwallowing = true;
    const rng = this.server?.rng ?? this.device?.rng;
    this.world.scheduler.after((rng?.between(30, 120) ?? 60) * 60_000, "tcp gives up", null, () =>
      this.cut(),
    );
  }

  /** Everything on its way from now on comes this much later, in order. */
  stall(ms: number): void {
    const until = this.world.scheduler.now + ms;
    this.#up.lastAt = Math.max(this.#up.lastAt, until);
    this.#down.lastAt = Math.max(this.#down.lastAt, until);
  }

  /** The device let go of it. A dead network does not carry the news. */
  closedByDevice(): void {
    this.toServer({ close: 1005 });
  }

  #serverReceives(server: SimObject, text: string): void {
    if (this.serverState !== 1) return;
    if (text === server.autoResponse?.request) {
      this.pingedAt = new Date(this.world.scheduler.now);
      return this.toClient({ text: server.autoResponse.response });
    }
    server.receive((instance) => {
      const handler = instance.object as { webSocketMessage?(ws: unknown, text: string): unknown };
      // Hibernation handlers are not waited for.
      void handler.webSocketMessage?.(instance.socketOf(this), text);
    });
  }

  #serverCloses(server: SimObject, code: number): void {
    if (!server.wires.has(this)) return;
    server.receive((instance) => {
      if (!server.wires.has(this)) return;
      const handler = instance.object as {
        webSocketClose?(
          ws: unknown,
          code: number,
          reason: string,
          wasClean: boolean,
        ): Promise<void> | undefined;
      };
      if (this.serverState === 1) this.serverState = 2;
      const closing = handler.webSocketClose?.(instance.socketOf(this), code, "", code !== closeCodeCut);
      closing?.catch(() => {});
      this.#gone(server);
    });
  }

  #gone(server: SimObject): void {
    this.serverState = 3;
    server.wires.delete(this);
  }

  #maybeFail(): void {
    const { faults } = this.world;
    const rng = this.device?.rng;
    if (rng === undefined || this.isCut) return;
    if (rng.chance(faults.socketCutChance)) this.cut();
    else if (rng.chance(faults.socketSwallowChance))
      this.swallow(rng.pick(["up", "down", "both"] as const) ?? "both");
    else if (rng.chance(faults.socketStallChance)) this.stall(rng.between(200, 20_000));
  }

  #delay(): number {
    return this.device?.netDelayMs() ?? 1;
  }

  #arrive(
    direction: { lastAt: number },
    delayMs: number,
    kind: string,
    host: SimObject | Device,
    run: () => void,
  ): void {
    const { scheduler } = this.world;
    direction.lastAt = Math.max(direction.lastAt + apartMs, scheduler.now + delayMs);
    scheduler.after(direction.lastAt - scheduler.now, kind, host, run);
  }
}

/** What a server one version ahead says: fields that nobody here knows, and a frame of a kind that did not exist. */
function fromLater(text: string): string {
  if (!text.startsWith("[")) return text;
  const frames = (JSON.parse(text) as object[]).map((frame) => ({ ...frame, of_a_later_version: true }));
  return JSON.stringify([{ type: "of_a_later_version", value: 1 }, ...frames]);
}
