/**
 * The connection's state machine, as a full table: every event in every state has an answer. Pure: the driver
 * (connection.ts) owns the socket and the timers and does what the effects say.
 *
 *   idle ─start→ connecting ─ready→ resuming ─live→ live
 *                   ↑ retry_due / wake      │ closed, timed_out
 *                waiting ←──────────────────┘        closed with a final code → stopped
 */
import type { ReconnectPolicy } from "../../protocol/close-codes.ts";
import { limits } from "../../protocol/limits.ts";

export type StopReason = "revoked" | "replaced" | "unsupported_version" | "not_found" | "signed_out";

export type LinkState =
  | { status: "idle" }
  /** From asking for a token to the server's `ready`. `isFresh`: the token was refreshed for this try. */
  | { status: "connecting"; attempt: number; isFresh: boolean }
  /** Between `ready` and `live`: the backlog comes [D4]. */
  | { status: "resuming"; attempt: number; isFresh: boolean }
  | { status: "live" }
  | { status: "waiting"; attempt: number; retryAtMs: number }
  | { status: "stopped"; reason: StopReason };

export type LinkEvent =
  | { type: "start" }
  | { type: "stop" }
  | { type: "opened" }
  | { type: "ready" }
  | { type: "live" }
  /** The socket is gone; `policy` is what its close code asks for. */
  | { type: "closed"; policy: ReconnectPolicy; reason: StopReason }
  /** Nothing was heard in time: no `ready`, no pong, no answer to a send. */
  | { type: "timed_out" }
  | { type: "retry_due" }
  /** The network is back, or the app came to the front. */
  | { type: "wake" }
  /** No access token is to be had any more. */
  | { type: "signed_out"; reason: StopReason };

export type LinkEffect =
  | { type: "open"; refresh: boolean }
  | { type: "hello" }
  | { type: "ping" }
  | { type: "close" }
  | { type: "wait"; delayMs: number };

export interface Step {
  state: LinkState;
  effects: LinkEffect[];
}
export interface Chance {
  nowMs: number;
  /** At least 0, below 1. */
  random: number;
}

type Row<S extends LinkState["status"]> = {
  [E in LinkEvent["type"]]: (
    state: Extract<LinkState, { status: S }>,
    event: Extract<LinkEvent, { type: E }>,
    chance: Chance,
  ) => Step;
};
type Table = { [S in LinkState["status"]]: Row<S> };

const stay = (state: LinkState): Step => ({ state, effects: [] });
const connect = (attempt: number, refresh = false): Step => ({
  state: { status: "connecting", attempt, isFresh: refresh },
  effects: [{ type: "open", refresh }],
});
const goIdle = (): Step => ({ state: { status: "idle" }, effects: [{ type: "close" }] });
const halt = (reason: StopReason): Step => ({
  state: { status: "stopped", reason },
  effects: [{ type: "close" }],
});

/** [F11] Full jitter: anywhere between nothing and a ceiling that doubles. */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(limits.backoffMsMax, limits.backoffBaseMs * 2 ** Math.min(attempt, 16));
  return Math.floor(random * ceiling);
}

function wait(attempt: number, { nowMs, random }: Chance): Step {
  const delayMs = backoffMs(attempt, random);
  return {
    state: { status: "waiting", attempt: attempt + 1, retryAtMs: nowMs + delayMs },
    effects: [{ type: "close" }, { type: "wait", delayMs }],
  };
}

type Closed = Extract<LinkEvent, { type: "closed" }>;

/** Closed before it was live: whatever the code asks for, a second try at once could go on for ever. */
function closedEarly(attempt: number, isFresh: boolean, event: Closed, chance: Chance): Step {
  if (event.policy === "stop") return halt(event.reason);
  if (event.policy === "refresh" && !isFresh) return connect(attempt, true);
  return wait(attempt, chance);
}

function closedLive(event: Closed, chance: Chance): Step {
  if (event.policy === "stop") return halt(event.reason);
  if (event.policy === "resume") return connect(0);
  if (event.policy === "refresh") return connect(0, true);
  return wait(0, chance);
}

const table: Table = {
  idle: {
    start: () => connect(0),
    stop: stay,
    opened: stay,
    ready: stay,
    live: stay,
    closed: stay,
    timed_out: stay,
    retry_due: stay,
    wake: stay,
    signed_out: (_state, event) => halt(event.reason),
  },
  connecting: {
    start: stay,
    stop: goIdle,
    opened: (state) => ({ state, effects: [{ type: "hello" }] }),
    ready: ({ attempt, isFresh }) => stay({ status: "resuming", attempt, isFresh }),
    live: stay,
    closed: (state, event, chance) => closedEarly(state.attempt, state.isFresh, event, chance),
    timed_out: (state, _event, chance) => wait(state.attempt, chance),
    retry_due: stay,
    wake: stay,
    signed_out: (_state, event) => halt(event.reason),
  },
  resuming: {
    start: stay,
    stop: goIdle,
    opened: stay,
    ready: stay,
    live: () => stay({ status: "live" }),
    closed: (state, event, chance) => closedEarly(state.attempt, state.isFresh, event, chance),
    timed_out: (state, _event, chance) => wait(state.attempt, chance),
    retry_due: stay,
    wake: (state) => ({ state, effects: [{ type: "ping" }] }),
    signed_out: (_state, event) => halt(event.reason),
  },
  live: {
    start: stay,
    stop: goIdle,
    opened: stay,
    ready: stay,
    live: stay,
    closed: (_state, event, chance) => closedLive(event, chance),
    timed_out: (_state, _event, chance) => wait(0, chance),
    retry_due: stay,
    // A phone that slept may hold a socket that is dead without knowing it.
    wake: (state) => ({ state, effects: [{ type: "ping" }] }),
    signed_out: (_state, event) => halt(event.reason),
  },
  waiting: {
    start: (state) => connect(state.attempt),
    stop: goIdle,
    opened: stay,
    ready: stay,
    live: stay,
    closed: stay,
    timed_out: stay,
    retry_due: (state) => connect(state.attempt),
    wake: (state) => connect(state.attempt),
    signed_out: (_state, event) => halt(event.reason),
  },
  stopped: {
    start: () => connect(0),
    stop: goIdle,
    opened: stay,
    ready: stay,
    live: stay,
    closed: stay,
    timed_out: stay,
    retry_due: stay,
    // Another connection of this device took over; the user is back here, so take it back.
    wake: (state) => (state.reason === "replaced" ? connect(0) : stay(state)),
    signed_out: (_state, event) => halt(event.reason),
  },
};

export function nextStep(state: LinkState, event: LinkEvent, chance: Chance): Step {
  const row = table[state.status] as Row<LinkState["status"]>;
  const cell = row[event.type] as (state: LinkState, event: LinkEvent, chance: Chance) => Step;
  return cell(state, event, chance);
}
