/**
 * The globals that product code uses, on virtual time and seeded chance. They are in place only while a run is on; a run
 * is synchronous, so nothing else in the process ever meets them.
 */
import { Rng } from "./rng.ts";
import { runCrypto, takeChanceFrom } from "./run-crypto.ts";
import type { Host, SimEvent } from "./scheduler.ts";
import { SimWebSocket } from "./server-socket.ts";
import { SimObject } from "./sim-object.ts";
import { Wire } from "./wire.ts";
import type { World } from "./world.ts";

class SimResponse {
  readonly status: number;
  readonly webSocket: unknown;
  constructor(_body: unknown, init: { status?: number; webSocket?: unknown } = {}) {
    this.status = init.status ?? 200;
    this.webSocket = init.webSocket;
  }
}

class RequestResponsePair {
  readonly request: string;
  readonly response: string;
  constructor(request: string, response: string) {
    this.request = request;
    this.response = response;
  }
}

/** Returns what puts the real ones back. */
export function installGlobals(world: World): () => void {
  const { scheduler } = world;
  const anyone = new Rng(`${world.seed}/anyone`);
  const host = () => scheduler.current;
  const realDate = Date.now;
  const realRandom = Math.random;
  const now = () => Math.floor(scheduler.now + (host()?.skewMs ?? 0));
  const random = () => (host()?.rng ?? anyone).next();
  takeChanceFrom(() => host()?.rng ?? anyone);
  Date.now = now;
  Math.random = random;
  const undo = replaceGlobals({
    setTimeout: (run: () => void, delayMs = 0) => timer(world, delayMs, run),
    clearTimeout: (handle: { clear(): void } | undefined) => handle?.clear(),
    scheduler: {
      wait: (delayMs: number) => new Promise<void>((resolve) => void timer(world, delayMs, resolve)),
    },
    crypto: runCrypto,
    Response: SimResponse,
    WebSocket: SimWebSocket,
    WebSocketRequestResponsePair: RequestResponsePair,
    WebSocketPair: function makePair() {
      const wire = new Wire(world);
      return { 0: { wire }, 1: new SimWebSocket(wire) };
    },
  });
  const realError = console.error;
  console.error = (line: unknown) => logged(world, host(), line);
  return () => {
    Date.now = realDate;
    Math.random = realRandom;
    console.error = realError;
    undo();
  };
}

/** A timer of the instance whose turn it is: it pins its object, and dies with it. */
function timer(world: World, delayMs: number, run: () => void): { clear(): void } {
  const owner = world.scheduler.current;
  const instance = owner instanceof SimObject ? owner.instance : null;
  instance?.pin();
  const event: SimEvent = world.scheduler.after(delayMs, "timer", owner, () => {
    if (owner instanceof SimObject && owner.instance !== instance) return;
    instance?.unpin();
    run();
  });
  let isCleared = false;
  return {
    clear: () => {
      if (!isCleared && !event.isDone && !event.isCancelled) instance?.unpin();
      isCleared = true;
      event.isCancelled = true;
    },
  };
}

function logged(world: World, host: Host | null, line: unknown): void {
  const text = typeof line === "string" ? line : JSON.stringify(line);
  world.say(host?.name ?? "log", () => `logs ${text}`);
  if (text.includes("append_failed")) world.observer.unexpected(host?.name ?? "log", text);
}

function replaceGlobals(fakes: Record<string, unknown>): () => void {
  const before = Object.keys(fakes).map(
    (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const,
  );
  for (const [name, value] of Object.entries(fakes)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true, enumerable: true });
  }
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor === undefined) Reflect.deleteProperty(globalThis, name);
      else Object.defineProperty(globalThis, name, descriptor);
    }
  };
}
