/**
 * What a seed stands for: how many users with how many devices, how badly things go, and the operations one after the
 * other. A plan is plain data drawn before the run, so that a failing one can be made smaller by leaving parts out.
 */
import type { EngineName } from "../crypto/engines.ts";
import type { Bounds } from "../runtime/bounds.ts";
import { Rng } from "../runtime/rng.ts";
import { withExtras, withGroups } from "./extras.ts";
import { type Profile, pickProfile } from "./profile.ts";

export type OperationKind =
  // What people do.
  | "send"
  | "burst"
  | "start_chat"
  | "open_chat"
  | "close_chat"
  | "read"
  | "look"
  | "retry"
  | "discard"
  | "wake"
  | "poll"
  | "open"
  | "close"
  | "kill"
  | "revoke"
  | "log_out"
  | "create_group"
  | "change_group"
  // What happens to networks.
  | "cut"
  | "swallow"
  | "stall"
  | "offline"
  | "online"
  | "slow"
  // What happens to devices.
  | "power_loss"
  | "set_clock"
  // What happens to objects.
  | "crash"
  | "hibernate"
  | "snapshot"
  | "restore"
  | "isolate"
  // Time.
  | "pause"
  | "absence";

export interface Operation {
  /** Waited before it. Milliseconds. */
  gapMs: number;
  kind: OperationKind;
  /** Which device, object or chat, as a share of how many there are. */
  target: number;
  other: number;
  amount: number;
}

export interface Plan {
  seed: string;
  profile: Profile;
  bounds: Bounds;
  /** Devices per user. */
  users: number[];
  /** Every other device is a browser with two tabs. */
  hasTabs: boolean;
  /** What encrypts: the same operations, and not the same run. */
  engine: EngineName;
  operations: Operation[];
}

/** A lower `drawing` leaves out what was added since: a seed that was found then stands for what it stood for. */
export function makePlan(seed: string, count: number, drawing: 1 | 2 | 3 = 3): Plan {
  const plan = drawBase(seed, count);
  if (drawing === 1) return plan;
  return drawing === 2 ? withExtras(plan) : withGroups(withExtras(plan));
}

function drawBase(seed: string, count: number): Plan {
  const rng = new Rng(`${seed}/plan`);
  const profile = pickProfile(rng);
  const users = Array.from({ length: 2 + rng.index(2) }, () => 1 + rng.index(2));
  const kinds = Object.entries(profile.weights) as [OperationKind, number][];
  const total = kinds.reduce((sum, [, weight]) => sum + weight, 0);
  const operations = Array.from({ length: count }, (_, index) => {
    // First everybody gets in and chats begin, as a rule; faults may come between already.
    const opening: OperationKind | null = index < 12 ? (index < 4 ? "open" : "start_chat") : null;
    const kind = opening !== null && rng.chance(0.8) ? opening : pickKind(kinds, rng.next() * total);
    return { gapMs: pickGap(rng), kind, target: rng.next(), other: rng.next(), amount: rng.next() };
  });
  return { seed, profile, bounds: {}, users, hasTabs: false, engine: "cheap", operations };
}

function pickKind(kinds: [OperationKind, number][], at: number): OperationKind {
  let left = at;
  for (const [kind, weight] of kinds) {
    left -= weight;
    if (left < 0) return kind;
  }
  return "send";
}

function pickGap(rng: Rng): number {
  const draw = rng.next();
  if (draw < 0.35) return rng.between(0, 30);
  if (draw < 0.7) return rng.between(30, 900);
  if (draw < 0.93) return rng.between(900, 4_000);
  return rng.between(4_000, 14_000);
}
