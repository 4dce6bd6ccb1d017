/**
 * A random history of one group: members add, remove, commit, race, lose their state and come back, new devices come in
 * by Welcome and by external commit. After every commit all who are in must agree on the epoch and read each other.
 */
import type { PendingCommit } from "../../../../src/client/mls/commit.ts";
import { devicesOf, epochOf } from "../../../../src/client/mls/group.ts";
import { deviceKey } from "../../../../src/protocol/ids.ts";
import {
  externalJoin,
  groupOf,
  type Invited,
  invite,
  joinedFrom,
  type Log,
  type LogEntry,
  Member,
  newDevice,
  pick,
  publish,
  value,
} from "./world.ts";

const stepCount = 10;
const membersMax = 12;

export class History {
  readonly #random: () => number;
  #log!: Log;
  #members: Member[] = [];
  /** What was done, for the message of a failure. */
  readonly steps: string[] = [];
  joins = 0;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
  }

  async run(): Promise<void> {
    const size = 2 + this.#below(6);
    const devices = await Promise.all(Array.from({ length: size }, () => newDevice()));
    const { log, members } = await groupOf(devices, "group");
    this.#log = log;
    this.#members = members;
    this.joins += size - 1;
    for (let step = 0; step < stepCount; step++) await this.#step();
  }

  async #step(): Promise<void> {
    const steps = [
      () => this.#addAndRemove(1 + this.#below(3), 0),
      () => this.#addAndRemove(0, 1 + this.#below(2)),
      () => this.#addAndRemove(1 + this.#below(2), 1 + this.#below(2)),
      () => this.#addAndRemove(0, 0),
      () => this.#race(),
      () => this.#newDeviceComesIn(),
      () => this.#comeBack(),
    ];
    await this.#one(steps)();
    await this.#check();
  }

  async #addAndRemove(adds: number, removes: number): Promise<void> {
    const committer = this.#one(this.#members);
    const others = this.#members.filter((member) => member !== committer);
    const remove = this.#some(others, Math.min(removes, others.length - 1));
    const room = membersMax - this.#members.length + remove.length;
    const invited = await this.#invite(Math.min(adds, room));
    this.steps.push(`${this.#index(committer)} +${invited.length} -${remove.map((it) => this.#index(it))}`);
    const add = invited.map(({ claimed }) => claimed);
    const pending = value(await committer.commit({ add, remove: remove.map((member) => member.ref) }));
    await this.#publish(committer, pending, invited);
  }

  /** The second one made its commit for the same epoch; it drops it and commits again. */
  async #race(): Promise<void> {
    const [first, second] = this.#some(this.#members, 2);
    if (first === undefined || second === undefined) return;
    this.steps.push(`${this.#index(first)} before ${this.#index(second)}`);
    const lost = value(await second.commit());
    await this.#publish(first, value(await first.commit()), [], { member: second, pending: lost });
    await this.#publish(second, value(await second.commit()), []);
  }

  async #newDeviceComesIn(): Promise<void> {
    if (this.#members.length >= membersMax) return;
    const sibling = this.#one(this.#members);
    const device = await newDevice(sibling.ref.user_id, 2 + this.steps.length);
    this.steps.push(`a device of ${this.#index(sibling)} comes in`);
    await this.#join(device);
  }

  async #comeBack(): Promise<void> {
    const lost = this.#one(this.#members);
    this.steps.push(`${this.#index(lost)} comes back`);
    this.#members = this.#members.filter((member) => member !== lost);
    await this.#join(lost.device);
  }

  async #join(device: Member["device"]): Promise<void> {
    const pending = value(await externalJoin(this.#log, { device }));
    const entry = publish(this.#log, pending, device.ref);
    for (const member of this.#members) await member.accept(entry);
    this.#members.push(new Member(device, this.#log, pending.next, entry.seq));
    this.joins += 1;
  }

  async #publish(
    committer: Member,
    pending: PendingCommit,
    invited: Invited[],
    lost?: { member: Member; pending: PendingCommit },
  ): Promise<void> {
    const entry = await committer.publish(pending);
    const staying: Member[] = [];
    for (const member of this.#members) {
      const own = member === lost?.member ? lost.pending : null;
      const outcome = member === committer ? "adopted" : await member.accept(entry, own);
      if (outcome !== "removed") staying.push(member);
    }
    this.#members = [...staying, ...(await this.#joinAll(invited, entry))];
  }

  async #invite(count: number): Promise<Invited[]> {
    return await Promise.all(
      Array.from({ length: count }, async () => await invite(await newDevice(), "group")),
    );
  }

  async #joinAll(invited: Invited[], entry: LogEntry): Promise<Member[]> {
    this.joins += invited.length;
    return await Promise.all(invited.map(({ own, device }) => joinedFrom(this.#log, device, own, entry)));
  }

  /** All hold the same epoch and the same secret of it, the leaves are the members, and a message reaches everybody. */
  async #check(): Promise<void> {
    const first = pick(this.#members, 0);
    const secret = first.group.state.keySchedule.epochAuthenticator.join();
    const expected = this.#members
      .map((member) => deviceKey(member.ref))
      .sort()
      .join();
    for (const { group } of this.#members) {
      if (epochOf(group) !== this.#log.epoch)
        throw new Error(`epoch ${epochOf(group)}, not ${this.#log.epoch}`);
      if (group.state.keySchedule.epochAuthenticator.join() !== secret) throw new Error("members disagree");
      if (devicesOf(group).map(deviceKey).sort().join() !== expected)
        throw new Error("leaves are not the members");
    }
    const sender = this.#one(this.#members);
    const entry = await sender.send(`epoch ${this.#log.epoch}`);
    sender.readSeq = entry.seq;
    for (const member of this.#members) if (member !== sender) await member.read(entry);
  }

  #index(member: Member): number {
    return this.#members.indexOf(member);
  }
  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }
  #one<T>(items: readonly T[]): T {
    return pick(items, this.#below(items.length));
  }
  #some<T>(items: readonly T[], count: number): T[] {
    const rest = [...items];
    return Array.from({ length: Math.max(0, Math.min(count, rest.length)) }, () =>
      rest.splice(this.#below(rest.length), 1),
    ).flat();
  }
}

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
