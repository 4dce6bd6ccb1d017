/** Carries out a plan's operations: on a device in one of its turns, on an object or the world at once. */

import type { SimObject } from "../runtime/sim-object.ts";
import type { Snapshot } from "../runtime/storage.ts";
import type { World } from "../runtime/world.ts";
import type { Device } from "./device.ts";
import { Groups } from "./groups.ts";
import type { People } from "./people.ts";
import type { Operation, OperationKind } from "./plan.ts";

type DeviceOperation = (device: Device, operation: Operation) => void;

export class Operations {
  readonly #world: World;
  readonly #devices: readonly Device[];
  readonly #snapshots = new Map<SimObject, Snapshot>();
  readonly #rosters = new Map<SimObject, string>();
  readonly #onDevice: Partial<Record<OperationKind, DeviceOperation>>;

  constructor(world: World, devices: readonly Device[], people: People) {
    this.#world = world;
    this.#devices = devices;
    const groups = new Groups(people);
    this.#onDevice = {
      send: (device, { other }) => people.send(device, other, 1),
      burst: (device, { other, amount }) => people.send(device, other, 2 + Math.floor(amount * 18)),
      start_chat: (device, { other }) => people.startChat(device, devices, other),
      open_chat: (device, { other }) => people.openChat(device, other),
      close_chat: (device, { other }) => people.closeChat(device, other),
      read: (device, { other }) => people.read(device, other),
      look: (device, { other }) => people.look(device, other),
      retry: (device) => people.settleFailed(device, "retry"),
      discard: (device) => people.settleFailed(device, "discard"),
      wake: (device) => people.wake(device),
      poll: (device, { amount }) => people.poll(device, Math.floor(amount * 8_000)),
      open: (device) => void people.app(device),
      close: (device) => device.close(),
      kill: (device, { amount }) => {
        device.doomTurns = 1 + Math.floor(amount * 25);
      },
      revoke: (device, { other }) => people.revokeOther(device, other),
      log_out: (device) => people.logOut(device),
      create_group: (device, { amount }) => groups.create(device, devices, amount),
      change_group: (device, { other, amount }) => groups.change(device, devices, other, amount),
      cut: (device, { other }) => aSocket(device, other)?.cut(),
      swallow: (device, { other, amount }) =>
        aSocket(device, other)?.swallow(amount < 0.4 ? "down" : amount < 0.7 ? "up" : "both"),
      stall: (device, { other, amount }) => aSocket(device, other)?.stall(amount * 20_000),
      offline: (device) => device.goOffline(),
      online: (device) => device.goOnline(),
      power_loss: (device, { amount }) => device.losePower(amount),
      set_clock: (device, { amount, other }) => device.setClock(amount, other),
      slow: (device, { amount }) => {
        for (const tab of device.tabs) tab.slownessMs = amount < 0.4 ? 0 : amount * 3_000;
      },
    };
  }

  perform(operation: Operation): void {
    const { scheduler } = this.#world;
    const onDevice = this.#onDevice[operation.kind];
    if (onDevice === undefined) return this.#onServer(operation);
    const device = at(this.#devices, operation.target);
    if (device === undefined) return;
    scheduler.after(0, operation.kind, device, () => onDevice(device, operation));
    scheduler.runUntil(scheduler.now);
  }

  #onServer({ kind, target, other, amount }: Operation): void {
    const { scheduler } = this.#world;
    switch (kind) {
      case "crash": {
        const object = at([...this.#world.objects.values()], target);
        if (object === undefined) return;
        this.#world.soundSince = null;
        if (amount < 0.2) return object.crash("it crashes");
        object.doom = { turns: 1 + Math.floor(amount * 12), before: other < 0.5 };
        return;
      }
      case "hibernate": {
        const objects = [...this.#world.objects.values()].filter((object) => object.className !== "Account");
        at(objects, target)?.hibernate();
        return;
      }
      case "isolate": {
        const object = at([...this.#world.objects.values()], target);
        if (object === undefined) return;
        this.#world.say(object.name, () => "is cut off from all other objects");
        object.isolatedUntil = scheduler.now + amount * 60_000;
        this.#world.soundSince = null;
        return;
      }
      case "snapshot":
        return this.#takeSnapshot(at(this.#restorable(), target));
      case "restore": {
        const [object, snapshot] = at([...this.#snapshots], target) ?? [];
        // Known gap: a device whose joining, or registering, is lost with the restore does not come back by itself.
        if (object === undefined || snapshot === undefined) return;
        if (whoIsIn(object) !== this.#rosters.get(object)) return;
        this.#world.soundSince = null;
        object.restore(snapshot);
        if (object.className === "Inbox") renewStore(object);
        return;
      }
      case "pause":
        return scheduler.runUntil(scheduler.now + 5_000 + amount * 55_000);
      case "absence":
        return this.#absence(amount);
    }
  }

  #restorable(): SimObject[] {
    const { objects } = this.#world;
    return [...objects.values()].filter(
      ({ storage }) => storage.hasTable("entries") || storage.hasTable("held"),
    );
  }
  #takeSnapshot(object: SimObject | undefined): void {
    if (object === undefined || object.storage.isDirty) return;
    this.#world.say(object.name, () => "a snapshot is taken");
    this.#snapshots.set(object, object.storage.snapshot());
    this.#rosters.set(object, whoIsIn(object));
  }

  /** Everybody puts their devices away, for an hour or a month. */
  #absence(amount: number): void {
    const { scheduler } = this.#world;
    for (const device of this.#devices) if (device.rng.chance(0.5)) device.close();
    for (const device of this.#devices) device.kill();
    scheduler.runUntil(scheduler.now + 60_000);
    const days = amount < 0.5 ? amount : 30 * amount;
    this.#world.say("the world", () => `nobody opens an app for ${days.toFixed(1)} days`);
    scheduler.runUntil(scheduler.now + days * 86_400_000);
  }
}

/** Who would be forgotten by a restore to before they came. */
function whoIsIn(object: SimObject): string {
  const query =
    object.className === "Inbox"
      ? "SELECT * FROM devices ORDER BY device_id"
      : "SELECT roster FROM conversation";
  return JSON.stringify(object.storage.rows(query));
}

/** [L5] The last step of restoring an Inbox. */
function renewStore(inbox: SimObject): void {
  const { scheduler } = inbox.world;
  scheduler.after(0, "renew store", inbox, () =>
    inbox.receive((instance) => void (instance.object as { renewStore(): Promise<string> }).renewStore()),
  );
  scheduler.runUntil(scheduler.now);
}

function aSocket(device: Device, share: number) {
  return at([...device.sockets], share)?.wire;
}

function at<T>(items: readonly T[], share: number): T | undefined {
  return items[Math.floor(share * items.length)];
}
