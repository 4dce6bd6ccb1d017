/** The end of a run: faults are over, everybody comes back and looks at every chat, and all must become quiet in time. */
import type { Checker } from "../checker.ts";
import { noFaults } from "../runtime/faults.ts";
import type { World } from "../runtime/world.ts";
import type { Device } from "./device.ts";
import type { People } from "./people.ts";

interface Healing {
  world: World;
  devices: readonly Device[];
  people: People;
  checker: Checker;
}

const stepMs = 10_000;
/** Longer than the longest back-off of an alarm, twice over. */
const patienceMs = 25 * 60_000;

export function heal({ world, devices, people, checker }: Healing): void {
  const { scheduler } = world;
  world.say("the world", () => "faults are over");
  world.faults = noFaults;
  for (const object of world.objects.values()) object.doom = null;
  const until = scheduler.now + patienceMs;
  let isFirst = true;
  let reason: string | null = null;
  while (scheduler.now < until && checker.violation === null) {
    for (const device of devices)
      scheduler.after(0, "healing", device, () => comeBack(device, people, isFirst));
    scheduler.runUntil(scheduler.now + stepMs);
    isFirst = false;
    reason = checker.unquiet(devices);
    if (reason === null) break;
  }
  if (checker.violation !== null) return;
  if (reason !== null)
    return checker.judge(`[convergence] after ${patienceMs / 60_000} quiet minutes: ${reason}`);
  // It stays quiet, and a last look at everything finds it right.
  for (const device of devices) scheduler.after(0, "last look", device, () => lookAtAll(device, people));
  scheduler.runUntil(scheduler.now + 30_000);
  reason = checker.unquiet(devices);
  if (reason !== null) checker.judge(`[convergence] it was quiet, and then: ${reason}`);
}

function comeBack(device: Device, people: People, isFirst: boolean): void {
  device.doomTurns = null;
  device.slownessMs = 0;
  const wasOnline = device.isOnline;
  device.goOnline();
  const app = people.app(device);
  if (app === null) return;
  if (isFirst || !wasOnline || app.connection.status === "stopped") app.wake();
  people.settleFailed(device, "retry");
  const chats = [...device.data.single.conversations.keys()];
  for (let i = 0; i < chats.length; i += 1) people.openChat(device, i / chats.length);
}

function lookAtAll(device: Device, people: People): void {
  const { size } = device.data.single.conversations;
  for (let i = 0; i < size; i += 1) people.look(device, i / size);
}
