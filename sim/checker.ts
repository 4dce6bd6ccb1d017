/**
 * Judges a run while it happens: every rule of design.md sections 3 to 5 that can be seen from outside, at the event
 * that could break it. The first breach stops the run.
 */

import type { DeliverCall } from "../durable/rpc.ts";
import type { ConversationSummary, Message } from "../src/client/contract.ts";
import type { Change } from "../src/client/store/store.ts";
import { limits } from "../src/protocol/limits.ts";
import type { Device } from "./actors/device.ts";
import type { Looks } from "./actors/people.ts";
import { judgeConnections } from "./checks/connections.ts";
import { unquiet } from "./checks/convergence.ts";
import { judgeAlarm, judgeCursors, judgeDeadline } from "./checks/cursors.ts";
import { Frames } from "./checks/frames.ts";
import { History } from "./checks/history.ts";
import { judgeLook } from "./checks/looks.ts";
import { Truth } from "./checks/truth.ts";
import type { Observer } from "./runtime/observer.ts";
import type { SimObject } from "./runtime/sim-object.ts";
import type { World } from "./runtime/world.ts";
import { ofCall, ofFrames, ofHttp } from "./sentences.ts";

export interface Violation {
  rule: string;
  what: string;
  atMs: number;
}

export class Checker implements Observer, Looks {
  violation: Violation | null = null;
  readonly truth = new Truth();
  readonly #histories = new Map<string, History>();
  readonly #historyOf = (id: string) => this.#histories.get(id);
  readonly #frames = new Frames(this.#historyOf, this.truth);
  /** Calls under way, by the caller's life. */
  readonly #calls = new WeakMap<object, Map<string, number>>();
  /** Chats that each device found on its user's list. */
  readonly #listed = new Map<Device, Set<string>>();
  #world: World | null = null;

  watch(world: World): void {
    this.#world = world;
  }
  get histories(): History[] {
    return [...this.#histories.values()];
  }

  /** The run goes on only while nothing was found. */
  judge(what: string | null): void {
    const world = this.#world;
    if (what === null || this.violation !== null || world === null) return;
    const rule = /^\[(\w+)\]/.exec(what)?.[1] ?? "error";
    this.violation = { rule, what, atMs: world.scheduler.now };
    world.say("checker", () => what);
    world.scheduler.isStopped = true;
  }

  committed(object: SimObject, written: ReadonlySet<string>): void {
    if (object.className === "Conversation" && written.size > 0) this.#readConversation(object, written);
    if (this.#hasSettled(object)) this.judge(judgeAlarm(object, this.#historyOf(object.id)));
  }

  turned(object: SimObject): void {
    this.judge(judgeConnections(object, this.#historyOf, this.truth));
  }

  quiescent(object: SimObject): void {
    const history = this.#historyOf(object.id);
    this.judge(judgeAlarm(object, history));
    if (history === undefined || this.#world === null) return;
    this.judge(judgeCursors(this.#world, history, this.truth));
    this.judge(judgeDeadline(this.#world, history));
  }

  frameDown(device: Device, key: string | null, text: string): void {
    this.#world?.say(device.name, () => `is sent ${ofFrames(text)}`);
    this.judge(this.#frames.down(key, text));
  }
  httpDown(device: Device, path: string, body: unknown): void {
    this.#world?.say(device.name, () => `is answered on ${ofHttp(path, body)}`);
    if (path === "/v1/inbox/conversations")
      this.#remember(device, body as { conversations: { conversation_id: string }[] });
    this.judge(this.#frames.httpDown(device.key, path, body));
  }
  frameUp(device: Device, text: string): void {
    this.#world?.say(device.name, () => `sends ${ofFrames(text)}`);
    this.judge(this.#frames.up(device, text));
  }
  httpUp(device: Device, path: string, body: unknown): void {
    this.#world?.say(device.name, () => `asks ${ofHttp(path, body)}`);
    this.judge(this.#frames.httpUp(device, path, body));
  }

  /** [F9] Bounds on what objects ask of each other. */
  called(
    caller: string,
    life: object,
    callee: SimObject,
    method: string,
    args: readonly unknown[],
  ): () => void {
    this.#world?.say(caller, () => `calls ${callee.name}: ${ofCall(method, args)}`);
    const bound = { deliver: limits.deliverCallsUnderWayMax, acked: 1, receipts: 1 }[method];
    if (bound === undefined) return () => {};
    const calls = this.#calls.get(life) ?? new Map<string, number>();
    this.#calls.set(life, calls);
    const key = `${method} ${callee.id}`;
    const count = (calls.get(key) ?? 0) + 1;
    calls.set(key, count);
    if (count > bound)
      this.judge(`[F9] ${caller} has ${count} calls of ${method} to ${callee.name} under way`);
    if (method === "deliver") this.judge(judgeDelivery(args[0] as DeliverCall));
    return () => void calls.set(key, (calls.get(key) ?? 1) - 1);
  }

  restored(object: SimObject): void {
    this.truth.restored(object.id);
    if (object.className !== "Conversation") return;
    this.#historyOf(object.id)?.cut();
  }

  stored(device: Device, changes: readonly Change[]): void {
    this.judge(this.truth.stored(device, changes, this.#historyOf));
  }

  shown(device: Device, messages: readonly Message[], summary: ConversationSummary): void {
    const history = this.#historyOf(summary.conversationId);
    if (history !== undefined) this.judge(judgeLook(device, messages, summary, history));
  }

  lostPower(device: Device): void {
    this.truth.lostPower(device);
  }

  unexpected(who: string, what: string): void {
    this.judge(`[error] ${who}: ${what}`);
  }

  /** The first thing that is not as it must be at the end. */
  unquiet(devices: readonly Device[]): string | null {
    return this.#world === null
      ? null
      : unquiet(
          this.#world,
          devices,
          this.histories,
          (device) => this.#listed.get(device) ?? new Set(),
          this.truth,
        );
  }
  final(): void {
    for (const history of this.histories) this.judge(history.compareAll());
  }

  #remember(device: Device, page: { conversations: { conversation_id: string }[] }): void {
    const known = this.#listed.get(device) ?? new Set<string>();
    this.#listed.set(device, known);
    for (const { conversation_id } of page.conversations) known.add(conversation_id);
  }

  #readConversation(object: SimObject, written: ReadonlySet<string>): void {
    const history = this.#historyOf(object.id) ?? new History(object);
    this.#histories.set(object.id, history);
    if (written.has("conversation")) history.readIdentity();
    if (written.has("entries")) {
      this.judge(history.readEntries((author, messageId) => this.truth.orderOf(author, messageId)));
    }
    if (!written.has("progress") || this.#world === null) return;
    this.judge(judgeCursors(this.#world, history, this.truth));
    this.judge(judgeDeadline(this.#world, history));
  }

  /** Nothing of the object is still on its way to being durable. */
  #hasSettled(object: SimObject): boolean {
    return !object.storage.isDirty;
  }
}

function judgeDelivery(call: DeliverCall): string | null {
  if (call.entries.length > limits.deliverEntriesMax)
    return `[F9] a delivery has ${call.entries.length} entries`;
  const bytes = call.entries.reduce((sum, entry) => sum + entry.json.length, 0);
  if (bytes > limits.deliverBytesMax && call.entries.length > 1) return `[F9] a delivery has ${bytes} bytes`;
  const isDense = call.entries.every((entry, index) => entry.seq === call.from + index);
  return isDense && call.entries.at(-1)?.seq === call.to
    ? null
    : `[F4] a delivery ${call.from}…${call.to} is not dense`;
}
