/**
 * What some seeds have on top: small bounds, and faults beyond the profile's. Drawn from a stream of its own, and each
 * from the next, so that adding one does not change what the seeds before stood for.
 */
import { tightBounds } from "../runtime/bounds.ts";
import type { Faults } from "../runtime/faults.ts";
import { Rng } from "../runtime/rng.ts";
import type { Operation, OperationKind, Plan } from "./plan.ts";

interface Extra {
  name: string;
  faults?: Partial<Faults>;
  /** Share of the operations that become one of these. */
  operations?: Partial<Record<OperationKind, number>>;
  /** Not for a run in which nothing is to go wrong. */
  isFault: boolean;
}

const extras: readonly Extra[] = [
  { name: "mixed versions", faults: { isMixed: true }, isFault: false },
  { name: "bad alarms", faults: { alarmLateChance: 0.15, alarmTwiceChance: 0.1 }, isFault: true },
  { name: "bad clocks", faults: { serverSkewMs: 20_000 }, operations: { set_clock: 0.03 }, isFault: true },
  { name: "partitions", operations: { isolate: 0.04 }, isFault: true },
  { name: "power", operations: { power_loss: 0.04 }, isFault: true },
  { name: "bad disks", faults: { storeFailsChance: 0.01 }, isFault: true },
];

export function withExtras(plan: Plan): Plan {
  const rng = new Rng(`${plan.seed}/extras`);
  const bounds = rng.chance(0.5) ? tightBounds(new Rng(`${plan.seed}/bounds`)) : {};
  const hasTabs = rng.chance(0.25);
  const isCalm = plan.profile.name === "calm";
  const chosen = extras.filter(({ isFault }) => rng.chance(0.2) && !(isFault && isCalm));
  const faults = Object.assign(
    {},
    plan.profile.faults,
    ...chosen.map((extra) => extra.faults ?? {}),
  ) as Faults;
  const name = [plan.profile.name, ...chosen.map((extra) => extra.name)].join(", ");
  let { operations } = plan;
  for (const { operations: shares = {} } of chosen) {
    for (const [kind, share] of Object.entries(shares) as [OperationKind, number][]) {
      operations = operations.map((operation) => replaced(rng, operation, kind, share));
    }
  }
  return { ...plan, profile: { ...plan.profile, name, faults }, bounds, hasTabs, operations };
}

const groupShares: [OperationKind, number][] = [
  ["create_group", 0.02],
  ["change_group", 0.07],
];

/** Some have groups beside direct chats, and more people to be in them. */
export function withGroups(plan: Plan): Plan {
  const rng = new Rng(`${plan.seed}/groups`);
  if (!rng.chance(0.4)) return plan;
  let { operations } = plan;
  for (const [kind, share] of groupShares)
    operations = operations.map((operation, index) =>
      index < 12 ? operation : replaced(rng, operation, kind, share),
    );
  // One at least, once everybody had time to come in.
  operations = operations.map((operation, index) =>
    index === 20 ? { ...operation, kind: "create_group" } : operation,
  );
  const users = plan.users.length < 4 ? [...plan.users, 1] : plan.users;
  return { ...plan, profile: { ...plan.profile, name: `${plan.profile.name}, groups` }, users, operations };
}

function replaced(rng: Rng, operation: Operation, kind: OperationKind, share: number): Operation {
  return rng.chance(share) ? { ...operation, kind } : operation;
}
