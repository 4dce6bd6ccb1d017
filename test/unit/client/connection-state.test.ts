import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  backoffMs,
  type Chance,
  type LinkEffect,
  type LinkEvent,
  type LinkState,
  nextStep,
} from "../../../src/client/connection/state.ts";
import { limits } from "../../../src/protocol/limits.ts";

const chance: Chance = { nowMs: 1000, random: 0.5 };
const states = {
  idle: { status: "idle" },
  connecting: { status: "connecting", attempt: 2, isFresh: false },
  resuming: { status: "resuming", attempt: 2, isFresh: false },
  live: { status: "live" },
  waiting: { status: "waiting", attempt: 2, retryAtMs: 5000 },
  stopped: { status: "stopped", reason: "revoked" },
} as const satisfies Record<LinkState["status"], LinkState>;
const replaced: LinkState = { status: "stopped", reason: "replaced" };

type EventName =
  | "start"
  | "stop"
  | "opened"
  | "ready"
  | "live"
  | "backoff"
  | "resume"
  | "refresh"
  | "final"
  | "timed_out"
  | "retry_due"
  | "wake"
  | "signed_out";
const closed = (policy: "backoff" | "resume" | "refresh" | "stop"): LinkEvent => ({
  type: "closed",
  policy,
  reason: "revoked",
});
const events: Record<EventName, LinkEvent> = {
  start: { type: "start" },
  stop: { type: "stop" },
  opened: { type: "opened" },
  ready: { type: "ready" },
  live: { type: "live" },
  backoff: closed("backoff"),
  resume: closed("resume"),
  refresh: closed("refresh"),
  final: closed("stop"),
  timed_out: { type: "timed_out" },
  retry_due: { type: "retry_due" },
  wake: { type: "wake" },
  signed_out: { type: "signed_out", reason: "signed_out" },
};

/** status [attempt] then effects. "=" : nothing changes and nothing is done. */
const table: Record<LinkState["status"], Record<EventName, string>> = {
  idle: {
    start: "connecting 0: open",
    stop: "=",
    opened: "=",
    ready: "=",
    live: "=",
    backoff: "=",
    resume: "=",
    refresh: "=",
    final: "=",
    timed_out: "=",
    retry_due: "=",
    wake: "=",
    signed_out: "stopped: close",
  },
  connecting: {
    start: "=",
    stop: "idle: close",
    opened: "connecting 2: hello",
    ready: "resuming 2:",
    live: "=",
    backoff: "waiting 3: close wait",
    resume: "waiting 3: close wait",
    refresh: "connecting 2: open fresh",
    final: "stopped: close",
    timed_out: "waiting 3: close wait",
    retry_due: "=",
    wake: "=",
    signed_out: "stopped: close",
  },
  resuming: {
    start: "=",
    stop: "idle: close",
    opened: "=",
    ready: "=",
    live: "live:",
    backoff: "waiting 3: close wait",
    resume: "waiting 3: close wait",
    refresh: "connecting 2: open fresh",
    final: "stopped: close",
    timed_out: "waiting 3: close wait",
    retry_due: "=",
    wake: "resuming 2: ping",
    signed_out: "stopped: close",
  },
  live: {
    start: "=",
    stop: "idle: close",
    opened: "=",
    ready: "=",
    live: "=",
    backoff: "waiting 1: close wait",
    resume: "connecting 0: open",
    refresh: "connecting 0: open fresh",
    final: "stopped: close",
    timed_out: "waiting 1: close wait",
    retry_due: "=",
    wake: "live: ping",
    signed_out: "stopped: close",
  },
  waiting: {
    start: "connecting 2: open",
    stop: "idle: close",
    opened: "=",
    ready: "=",
    live: "=",
    backoff: "=",
    resume: "=",
    refresh: "=",
    final: "=",
    timed_out: "=",
    retry_due: "connecting 2: open",
    wake: "connecting 2: open",
    signed_out: "stopped: close",
  },
  stopped: {
    start: "connecting 0: open",
    stop: "idle: close",
    opened: "=",
    ready: "=",
    live: "=",
    backoff: "=",
    resume: "=",
    refresh: "=",
    final: "=",
    timed_out: "=",
    retry_due: "=",
    wake: "=",
    signed_out: "stopped: close",
  },
};

function describeEffect(effect: LinkEffect): string {
  return effect.type === "open" && effect.refresh ? "open fresh" : effect.type;
}
function describeStep(before: LinkState, event: LinkEvent): string {
  const { state, effects } = nextStep(before, event, chance);
  if (state === before && effects.length === 0) return "=";
  const attempt = "attempt" in state ? ` ${state.attempt}` : "";
  return `${state.status}${attempt}: ${effects.map(describeEffect).join(" ")}`.trimEnd();
}

describe("[F11] the connection's transition table", () => {
  for (const [status, row] of Object.entries(table)) {
    for (const [event, expected] of Object.entries(row)) {
      it(`${status} + ${event} → ${expected}`, () => {
        const state = states[status as LinkState["status"]];
        expect(describeStep(state, events[event as EventName])).toBe(expected);
      });
    }
  }

  it("a replaced connection is taken back when the user returns to it [D5]", () => {
    expect(describeStep(replaced, events.wake)).toBe("connecting 0: open");
  });

  it("a fresh token that is refused as well is not refreshed again at once", () => {
    const fresh: LinkState = { status: "connecting", attempt: 2, isFresh: true };
    expect(describeStep(fresh, events.refresh)).toBe("waiting 3: close wait");
    const resuming: LinkState = { status: "resuming", attempt: 2, isFresh: true };
    expect(describeStep(resuming, events.refresh)).toBe("waiting 3: close wait");
  });

  it("full jitter: between nothing and a ceiling that doubles up to the bound", () => {
    const anyAttempt = fc.nat(200);
    const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(anyAttempt, anyRandom, (attempt, random) => {
        const ceiling = Math.min(limits.backoffMsMax, limits.backoffBaseMs * 2 ** Math.min(attempt, 16));
        const delayMs = backoffMs(attempt, random);
        return delayMs >= 0 && delayMs <= ceiling && Math.abs(delayMs - random * ceiling) <= 1;
      }),
    );
  });

  it("never opens twice in a row without waiting, unless the close came after `live` or asked for a fresh token", () => {
    const names = Object.keys(events) as EventName[];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names), { maxLength: 60 }), (sequence) => {
        let state: LinkState = states.idle;
        for (const name of sequence) {
          const before = state;
          const step = nextStep(state, events[name], chance);
          state = step.state;
          const opens = step.effects.some((effect) => effect.type === "open");
          const early = before.status === "connecting" || before.status === "resuming";
          if (opens && early && name !== "refresh") return false;
        }
        return true;
      }),
    );
  });
});
