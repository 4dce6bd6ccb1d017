/** One run of one plan, from nothing to quiet. Synchronous; to be called from a macrotask. */
import { Account } from "../durable/account/account.ts";
import { Conversation } from "../durable/conversation/conversation.ts";
import { Inbox } from "../durable/inbox/inbox.ts";
import { Device } from "./actors/device.ts";
import { heal } from "./actors/healing.ts";
import { Operations } from "./actors/operations.ts";
import { People } from "./actors/people.ts";
import type { Plan } from "./actors/plan.ts";
import { SimTabs } from "./actors/sim-tabs.ts";
import { Checker, type Violation } from "./checker.ts";
import { installBounds } from "./runtime/bounds.ts";
import { Edge } from "./runtime/edge.ts";
import { installGlobals } from "./runtime/globals.ts";
import { installGuards } from "./runtime/guards.ts";
import { namespace } from "./runtime/rpc.ts";
import type { ClassName, ObjectClass } from "./runtime/sim-object.ts";
import { World } from "./runtime/world.ts";
import { Trace } from "./trace.ts";

export interface Outcome {
  violation: Violation | null;
  hash: string;
  eventCount: number;
  /** Entries in all logs at the end. */
  entryCount: number;
  lines: readonly string[];
}

const names = ["Ann", "Bob", "Cleo", "Dan"];

export interface SimulateOptions {
  trace?: boolean;
  /** Stand-ins for the objects, to see the checker fail. */
  classes?: Partial<Record<ClassName, ObjectClass>>;
}

export function simulate(plan: Plan, options: SimulateOptions = {}): Outcome {
  const checker = new Checker();
  const trace = new Trace(options.trace === true);
  const world = new World({
    seed: plan.seed,
    faults: plan.profile.faults,
    trace,
    observer: checker,
    engine: plan.engine,
    classes: {
      Account: Account as unknown as ObjectClass,
      Conversation: Conversation as unknown as ObjectClass,
      Inbox: Inbox as unknown as ObjectClass,
      ...options.classes,
    },
    env: (made) => ({
      ENVIRONMENT: "development",
      SERVER_SECRET: "5e".repeat(32),
      ACCOUNT: namespace(made, "Account"),
      CONVERSATION: namespace(made, "Conversation"),
      INBOX: namespace(made, "Inbox"),
    }),
  });
  checker.watch(world);
  const restoreGlobals = installGlobals(world);
  const restoreBounds = installBounds(plan.bounds);
  const restoreGuards = plan.engine === "cheap" ? installGuards() : () => {};
  try {
    const devices = makeDevices(world, plan);
    const people = new People(checker);
    const operations = new Operations(world, devices, people);
    for (const operation of plan.operations) {
      world.scheduler.runUntil(world.scheduler.now + operation.gapMs);
      if (checker.violation !== null) break;
      operations.perform(operation);
    }
    if (checker.violation === null) heal({ world, devices, people, checker });
    if (checker.violation === null) checker.final();
  } finally {
    restoreGuards();
    restoreBounds();
    restoreGlobals();
    for (const object of world.objects.values()) object.storage.close();
  }
  return {
    violation: checker.violation,
    hash: (world.scheduler.hash >>> 0).toString(16).padStart(8, "0"),
    eventCount: world.scheduler.eventCount,
    entryCount: checker.histories.reduce((sum, history) => sum + history.head, 0),
    lines: trace.lines,
  };
}

function makeDevices(world: World, plan: Plan): Device[] {
  const edge = new Edge(world);
  return plan.users.flatMap((count, user) =>
    Array.from({ length: count }, (_, index) => index).flatMap((index) => {
      const phone = `+1415555${String(100 + user).padStart(4, "0")}`;
      const identity = { user: names[user] ?? `User ${user}`, phone, number: index + 1 };
      const port = plan.hasTabs && (user + index) % 2 === 0 ? new SimTabs() : null;
      const device = new Device(world, edge, identity, port);
      device.skewMs = device.rng.between(-1, 1) * plan.profile.skewMs;
      return port === null ? [device] : [device, new Device(world, edge, identity, port, device)];
    }),
  );
}
