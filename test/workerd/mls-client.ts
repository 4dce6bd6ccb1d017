/**
 * Real MLS behind the tests of the server: the SDK's own facade makes foundings, commits and external commits, and every
 * device that a test uses holds its group. Whoever was added joins by its Welcome the first time it is needed.
 */
import { base64, base64urlnopad } from "@scure/base";
import { v7 } from "uuid";
import { acceptCommit } from "../../src/client/mls/accept-commit.ts";
import { found, makeCommit, type PendingCommit } from "../../src/client/mls/commit.ts";
import type { Result } from "../../src/client/mls/failures.ts";
import { epochOf, type Group, leavesOf } from "../../src/client/mls/group.ts";
import { type Device, type Judge, makeAccountKey, makeDevice } from "../../src/client/mls/identity.ts";
import { joinByExternalCommit } from "../../src/client/mls/join-external.ts";
import { joinByWelcome } from "../../src/client/mls/join-welcome.ts";
import { checkClaimed, makeKeyPackage, type OwnKeyPackage } from "../../src/client/mls/key-packages.ts";
import { makeLeave } from "../../src/client/mls/leave.ts";
import { makeStateDocument, stateHash } from "../../src/client/mls/sealed-state.ts";
import { suiteFor } from "../../src/client/mls/suites.ts";
import type { CommitRequest, FoundRequest } from "../../src/protocol/http.ts";
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";

const judge: Judge = { acceptsLeaf: () => true, allowsCommit: () => true };
const stateDocument = makeStateDocument(new TextEncoder().encode("{}"));
const devices = new Map<string, Promise<Device>>();
const accountKeys = new Map<string, ReturnType<typeof makeAccountKey>>();

export function mlsDevice(ref: DeviceRef): Promise<Device> {
  const accountKey = accountKeys.get(ref.user_id) ?? makeAccountKey();
  accountKeys.set(ref.user_id, accountKey);
  const known = devices.get(deviceKey(ref)) ?? makeDevice(ref, accountKey);
  devices.set(deviceKey(ref), known);
  return known;
}

export function newConversationId(): string {
  return base64urlnopad.encode(crypto.getRandomValues(new Uint8Array(32)));
}

export function value<T>(result: Result<T>): T {
  if (result.failure === null) return result.value;
  throw new Error(`expected success, got ${result.failure}`, { cause: result.cause });
}

interface Accepted {
  author: DeviceRef;
  messageId: string;
  pending: PendingCommit;
  added: readonly DeviceRef[];
}
/** A commit as it is sent, and what to call once the server has taken it. */
export interface Made {
  author: DeviceRef;
  request: CommitRequest;
  pending: PendingCommit;
}
export interface ChangeOfRoster {
  add?: readonly DeviceRef[];
  remove?: readonly DeviceRef[];
  roles?: CommitRequest["roster_change"]["roles"];
}

export class MlsChat {
  readonly id: string;
  readonly kind: "direct" | "group";
  generation = 1;
  #groups = new Map<string, { group: Group; upTo: number }>();
  #packages = new Map<string, OwnKeyPackage>();
  #accepted: Accepted[] = [];

  constructor(id: string, kind: "direct" | "group") {
    this.id = id;
    this.kind = kind;
  }

  get epoch(): number {
    return this.#accepted.length;
  }
  get newest(): PendingCommit {
    const last = this.#accepted.at(-1);
    if (last === undefined) throw new Error("nothing was committed yet");
    return last.pending;
  }

  /** The first commit of a generation; the first device founds. */
  async founding(refs: readonly DeviceRef[], generation = 1): Promise<{ request: FoundRequest; made: Made }> {
    const [founder, ...others] = refs;
    if (founder === undefined) throw new Error("nobody founds");
    const { id: conversationId, kind } = this;
    const own = { conversationId, generation, kind, nowMs: Date.now() };
    const group = value(await found(await mlsDevice(founder), own));
    const made = await this.#make(group, founder, { add: others });
    const { epoch: _, base_seq: __, roster_change: ___, ...request } = made.request;
    return { request: { ...request, kind, generation, devices: [...refs] }, made };
  }
  /** The server has taken the founding: everybody starts anew. */
  founded({ request, made }: { request: FoundRequest; made: Made }): void {
    this.generation = request.generation;
    this.#groups.clear();
    this.#accepted = [];
    this.#adopt(made, request.devices.slice(1));
  }

  async commit(author: DeviceRef, change: ChangeOfRoster = {}): Promise<Made> {
    return await this.#make(await this.groupOf(author), author, change);
  }

  /** By external commit, in the place of `replaces` if that is given. */
  async join(author: DeviceRef, replaces: DeviceRef | null = null, from = this.newest): Promise<Made> {
    const position = { messageId: v7(), baseSeq: 1, baseHash: new Uint8Array(32) };
    const pending = value(
      await joinByExternalCommit(from.groupInfo, from.tree, {
        conversationId: this.id,
        generation: this.generation,
        kind: this.kind,
        device: await mlsDevice(author),
        epoch: epochOf(from.next),
        anchor: null,
        replaces,
        position,
        stateHash: stateHash(stateDocument),
        judge,
        nowMs: Date.now(),
      }),
    );
    const isBack = leavesOf(from.next).some((leaf) => deviceKey(leaf.device) === deviceKey(author));
    const removed = replaces ?? (isBack ? author : null);
    const change = { add: [author], remove: removed === null ? [] : [removed] };
    return { author, pending, request: requestOf(pending, position.messageId, this.generation, change) };
  }

  /** The server has taken it. */
  accepted(made: Made): void {
    const isJoin = made.pending.sealedState === null;
    this.#adopt(made, isJoin ? [] : made.request.roster_change.add);
  }

  async leave(author: DeviceRef) {
    const group = await this.groupOf(author);
    const { signature } = value(await makeLeave(group, await mlsDevice(author)));
    return {
      message_id: v7(),
      generation: this.generation,
      epoch: this.epoch,
      base_seq: 1,
      signature: base64.encode(signature),
    };
  }

  /** The group as this device holds it, brought up to the newest commit. */
  async groupOf(ref: DeviceRef): Promise<Group> {
    const held = this.#groups.get(deviceKey(ref)) ?? (await this.#joined(ref));
    for (const { author, messageId, pending } of this.#accepted.slice(held.upTo)) {
      const place = {
        seq: 1_000_000,
        epoch: pending.baseEpoch,
        messageId,
        sender: author,
        hashAt: () => null,
      };
      const context = { place, judge, pending: null };
      held.group = value(await acceptCommit(held.group, pending.bytes, context)).group;
      held.upTo += 1;
    }
    this.#groups.set(deviceKey(ref), held);
    return held.group;
  }

  async #joined(ref: DeviceRef): Promise<{ group: Group; upTo: number }> {
    const isFor = ({ added }: Accepted) => added.some((device) => deviceKey(device) === deviceKey(ref));
    const index = this.#accepted.findLastIndex(isFor);
    const commit = this.#accepted[index];
    const own = this.#packages.get(deviceKey(ref));
    if (commit?.pending.welcome == null || own === undefined) throw new Error("this device was never added");
    const joined = await joinByWelcome(commit.pending.welcome, commit.pending.tree, {
      device: await mlsDevice(ref),
      keyPackages: [own],
      announced: {
        conversationId: this.id,
        generation: this.generation,
        kind: this.kind,
        epoch: commit.pending.baseEpoch,
        inviter: commit.author,
      },
      holdsState: false,
      usedWelcomes: new Set(),
      judge,
    });
    return { group: value(joined).group, upTo: index + 1 };
  }

  #adopt({ author, request, pending }: Made, added: readonly DeviceRef[]): void {
    this.#accepted.push({ author, messageId: request.message_id, pending, added });
    for (const device of added) this.#groups.delete(deviceKey(device));
    this.#groups.set(deviceKey(author), { group: pending.next, upTo: this.#accepted.length });
  }

  async #make(group: Group, author: DeviceRef, change: ChangeOfRoster): Promise<Made> {
    const { add = [], remove = [], roles } = change;
    const claimed = await Promise.all(add.map((device) => this.#claimed(device)));
    const position = { messageId: v7(), baseSeq: 1, baseHash: new Uint8Array(32) };
    const made = await makeCommit(group, { add: claimed, remove, stateDocument, position });
    const pending = value(made);
    const roster_change = { add: [...add], remove: [...remove], ...(roles !== undefined && { roles }) };
    return {
      author,
      pending,
      request: requestOf(pending, position.messageId, group.generation, roster_change),
    };
  }

  async #claimed(ref: DeviceRef) {
    const device = await mlsDevice(ref);
    const suite = suiteFor(this.kind);
    const own = await makeKeyPackage(device, { suite, isLastResort: false, nowMs: Date.now() });
    this.#packages.set(deviceKey(ref), own);
    const expected = { userId: ref.user_id, suite, nowMs: Date.now(), judge };
    return value(await checkClaimed(own.bytes, expected));
  }
}

export function requestOf(
  pending: PendingCommit,
  message_id: string,
  generation: number,
  roster_change: CommitRequest["roster_change"],
): CommitRequest {
  const orNull = (bytes: Uint8Array | null) => (bytes === null ? null : base64.encode(bytes));
  return {
    message_id,
    generation,
    epoch: pending.baseEpoch,
    base_seq: 1,
    envelope: base64.encode(pending.bytes),
    roster_change,
    welcome: orNull(pending.welcome),
    group_info: base64.encode(pending.groupInfo),
    tree: base64.encode(pending.tree),
    sealed_state: orNull(pending.sealedState),
  };
}
