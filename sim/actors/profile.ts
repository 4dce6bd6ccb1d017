/** How badly things go in a run: from not at all to harshly. Each seed takes one, some with a wrong clock on top. */
import { type Faults, noFaults } from "../runtime/faults.ts";
import type { Rng } from "../runtime/rng.ts";
import type { OperationKind } from "./plan.ts";

export interface Profile {
  name: string;
  faults: Faults;
  weights: Partial<Record<OperationKind, number>>;
  /** How far devices' clocks may be wrong. Milliseconds. */
  skewMs: number;
}

const people: Profile["weights"] = {
  send: 26,
  burst: 5,
  start_chat: 3,
  open_chat: 8,
  close_chat: 4,
  read: 12,
  look: 5,
  retry: 1,
  discard: 0.5,
  wake: 1.5,
  poll: 2.5,
  open: 4,
  close: 1.5,
  pause: 2,
};
const badNetwork: Profile["weights"] = {
  cut: 5,
  swallow: 3,
  stall: 3,
  offline: 3,
  online: 5,
  slow: 2,
  kill: 3,
};
const badServer: Profile["weights"] = { crash: 7, hibernate: 6, kill: 2 };
const lossyNetwork: Partial<Faults> = {
  httpLostChance: 0.05,
  httpAnswerLostChance: 0.05,
  httpTwiceChance: 0.03,
  socketCutChance: 0.005,
  socketSwallowChance: 0.003,
  socketStallChance: 0.01,
  storeSlowChance: 0.15,
};
const lossyServer: Partial<Faults> = {
  rpcDelayMs: [1, 60],
  rpcSlowChance: 0.03,
  rpcLostChance: 0.03,
  rpcAnswerLostChance: 0.04,
  commitLateChance: 0.3,
  commitFailsChance: 0.002,
  crashChance: 0.003,
  hibernateChance: 0.01,
};

export function pickProfile(rng: Rng): Profile {
  const profile = profiles[rng.index(profiles.length)] ?? calm;
  const skewMs = rng.chance(0.2) ? rng.between(1_000, 20 * 3_600_000) : rng.between(0, 500);
  return { ...profile, skewMs };
}

const calm: Profile = { name: "calm", faults: noFaults, weights: people, skewMs: 0 };
const profiles: Profile[] = [
  calm,
  {
    name: "network",
    faults: { ...noFaults, ...lossyNetwork },
    weights: { ...people, ...badNetwork },
    skewMs: 0,
  },
  {
    name: "network",
    faults: { ...noFaults, ...lossyNetwork },
    weights: { ...people, ...badNetwork },
    skewMs: 0,
  },
  {
    name: "server",
    faults: { ...noFaults, ...lossyServer },
    weights: { ...people, ...badServer },
    skewMs: 0,
  },
  {
    name: "server",
    faults: { ...noFaults, ...lossyServer },
    weights: { ...people, ...badServer },
    skewMs: 0,
  },
  {
    name: "harsh",
    faults: { ...noFaults, ...lossyNetwork, ...lossyServer },
    weights: { ...people, ...badNetwork, ...badServer },
    skewMs: 0,
  },
  {
    name: "very harsh",
    faults: { ...worse(lossyNetwork), ...worse(lossyServer) },
    weights: { ...people, ...badNetwork, ...badServer },
    skewMs: 0,
  },
  {
    name: "absences",
    faults: { ...noFaults, ...lossyNetwork },
    weights: { ...people, ...badNetwork, hibernate: 3, absence: 3, kill: 4 },
    skewMs: 0,
  },
  {
    name: "devices come and go",
    faults: { ...noFaults, ...lossyNetwork, rpcLostChance: 0.03, rpcAnswerLostChance: 0.03 },
    weights: {
      ...people,
      ...badNetwork,
      burst: 10,
      start_chat: 6,
      open: 10,
      crash: 3,
      revoke: 2,
      log_out: 2,
    },
    skewMs: 0,
  },
  {
    name: "restore",
    faults: { ...noFaults, httpAnswerLostChance: 0.01 },
    weights: { ...people, cut: 2, kill: 2, hibernate: 2, snapshot: 2, restore: 1 },
    skewMs: 0,
  },
];

function worse(faults: Partial<Faults>): Faults {
  const scaled = Object.entries(faults).map(([name, value]) => [
    name,
    typeof value === "number" ? Math.min(0.5, value * 2.5) : value,
  ]);
  return { ...noFaults, ...Object.fromEntries(scaled) } as Faults;
}
