/**
 * The port to everything that is not computed: clock, chance, timers, network. The SDK touches none of these
 * directly, so that a seeded simulator can drive it whole on virtual time (design.md, section 11).
 */
import { v7 } from "uuid";

export interface Environment {
  /** Milliseconds since 1970. */
  now(): number;
  /** At least 0, below 1. */
  random(): number;
  randomBytes(count: number): Uint8Array;
  setTimer(delayMs: number, run: () => void): Timer;
  clearTimer(timer: Timer): void;
  fetch(url: string, init: RequestInit): Promise<Response>;
  openWebSocket(url: string, protocols: string[], handlers: SocketHandlers): Socket;
  /** A UUIDv7 dated `nowMs`. */
  newMessageId(nowMs: number): string;
}

/** Opaque: only the environment that made it looks inside. */
export type Timer = { readonly timer: unknown };

export interface SocketHandlers {
  opened(): void;
  received(text: string): void;
  /** Called once, whoever closed; 1006 for a connection that never opened or was cut. */
  closed(code: number): void;
}

export interface Socket {
  send(text: string): void;
  close(): void;
}

/** Browsers and Node 22 or newer. */
export function defaultEnvironment(): Environment {
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    randomBytes,
    setTimer: (delayMs, run) => ({ timer: setTimeout(run, delayMs) }),
    clearTimer: ({ timer }) => clearTimeout(timer as ReturnType<typeof setTimeout>),
    fetch: (url, init) => fetch(url, init),
    openWebSocket,
    newMessageId: (nowMs) => v7({ msecs: nowMs, random: randomBytes(16) }),
  };
}

function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

function openWebSocket(url: string, protocols: string[], handlers: SocketHandlers): Socket {
  const socket = new WebSocket(url, protocols);
  socket.onopen = () => handlers.opened();
  socket.onmessage = (event: MessageEvent<unknown>) => {
    // A binary frame is not of this protocol; the empty text fails to parse and closes the connection.
    handlers.received(typeof event.data === "string" ? event.data : "");
  };
  socket.onclose = (event) => handlers.closed(event.code);
  return { send: (text) => socket.send(text), close: () => socket.close() };
}
