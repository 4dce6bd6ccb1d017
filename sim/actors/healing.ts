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
const lastLooks = 3;

export function heal(healing: Healing): void {
  const { world, devices, people, checker } = healing;
  world.say("the world", () => "faults are over");
  world.faults = noFaults;
  for (const object of world.objects.values()) {
    object.doom = null;
    object.isolatedUntil = 0;
  }
  if (!becomesQuiet(healing, (device, isFirst) => comeBack(device, people, isFirst))) return;
  // What was repaired works: a message of everybody to everybody arrives, and is acknowledged.
  const isHealed = becomesQuiet(healing, (device, isFirst) => {
    comeBack(device, people, false);
    if (isFirst) writeToAll(device, people);
  });
  if (!isHealed) return;
  world.soundSince ??= world.scheduler.now;
  // It stays quiet, and last looks at everything find it right. Whose log-in runs out meanwhile comes back once more.
  for (let round = 0; round < lastLooks; round += 1) {
    for (const device of devices)
      world.scheduler.after(0, "last look", device, () => {
        comeBack(device, people, false);
        lookAtAll(device, people);
      });
    world.scheduler.runUntil(world.scheduler.now + stepMs);
  }
  const reason = checker.unquiet(devices);
  if (reason !== null) checker.judge(`[convergence] it was quiet, and then: ${reason}`);
}

/** Has devices do something, again and again, until nothing waits anywhere; false if that takes too long. */
function becomesQuiet(
  { world, devices, checker }: Healing,
  act: (device: Device, isFirst: boolean) => void,
): boolean {
  const { scheduler } = world;
  const until = scheduler.now + patienceMs;
  let isFirst = true;
  let reason: string | null = null;
  while (scheduler.now < until && checker.violation === null) {
    for (const device of devices) scheduler.after(0, "healing", device, () => act(device, isFirst));
    scheduler.runUntil(scheduler.now + stepMs);
    isFirst = false;
    reason = checker.unquiet(devices);
    if (reason === null) break;
  }
  if (checker.violation === null && reason !== null)
    checker.judge(`[convergence] after ${patienceMs / 60_000} quiet minutes: ${reason}`);
  return checker.violation === null;
}

function comeBack(device: Device, people: People, isFirst: boolean): void {
  device.doomTurns = null;
  device.skewMs = 0;
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

function writeToAll(device: Device, people: People): void {
  const { size } = device.data.single.conversations;
  for (let i = 0; i < size; i += 1) people.send(device, i / size, 1);
}

function lookAtAll(device: Device, people: People): void {
  const { size } = device.data.single.conversations;
  for (let i = 0; i < size; i += 1) people.look(device, i / size);
}
