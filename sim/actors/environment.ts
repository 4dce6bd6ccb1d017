/** The SDK's port to everything that is not computed, for one life of an app. Nothing reaches a life that is over. */
import type { Environment, Timer } from "../../src/client/environment.ts";
import type { SimEvent } from "../runtime/scheduler.ts";
import type { Device } from "./device.ts";
import { DeviceSocket } from "./device-socket.ts";

export function makeEnvironment(device: Device, life: object): Environment {
  const { world, rng } = device;
  const { scheduler } = world;
  return {
    now: () => Math.floor(scheduler.now + device.skewMs),
    random: () => rng.next(),
    randomBytes: (count) => rng.fill(new Uint8Array(count)),
    setTimer: (delayMs, run) => ({
      timer: scheduler.after(delayMs, "timer", device, () => {
        if (device.life === life) run();
      }),
    }),
    clearTimer: ({ timer }: Timer) => {
      (timer as SimEvent).isCancelled = true;
    },
    fetch: (url, init) => fetchFrom(device, life, url, init),
    openWebSocket: (url, protocols, handlers) => {
      const socket = new DeviceSocket(device, life, new URL(url).pathname, handlers);
      device.edge.upgrade(device, socket.path, protocols, socket);
      return { send: (text) => socket.send(text), close: () => socket.close() };
    },
    newMessageId: (nowMs) => uuidV7(nowMs, rng.fill(new Uint8Array(10))),
  };
}

function fetchFrom(device: Device, life: object, url: string, init: RequestInit): Promise<Response> {
  const { pathname, searchParams } = new URL(url);
  const headers = init.headers as Record<string, string>;
  const request = {
    method: init.method ?? "GET",
    path: pathname,
    query: searchParams,
    token: headers.authorization?.replace("Bearer ", "") ?? null,
    body: typeof init.body === "string" ? (JSON.parse(init.body) as unknown) : undefined,
  };
  return new Promise((resolve, reject) => {
    init.signal?.addEventListener("abort", () => reject(new Error("aborted")));
    // Some networks say at once that they are gone.
    if (!device.isOnline && device.rng.chance(0.5)) {
      device.world.scheduler.after(device.rng.between(1, 50), "no network", device, () => {
        if (device.life === life) reject(new TypeError("Failed to fetch"));
      });
      return;
    }
    device.edge.fetch(device, request, ({ status, text }) => {
      if (device.life !== life) return;
      const bytes = new TextEncoder().encode(text);
      resolve({ status, arrayBuffer: async () => bytes.buffer } as unknown as Response);
    });
  });
}

function uuidV7(nowMs: number, random: Uint8Array): string {
  const time = nowMs.toString(16).padStart(12, "0");
  const hex = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const variant = "89ab"[(random[9] ?? 0) & 3];
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-${variant}${hex.slice(3, 6)}-${hex.slice(6, 18)}`;
}
