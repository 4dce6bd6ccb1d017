/**
 * A direct chat inside workerd, without the Worker in front: users whose Inboxes know their devices, the founded
 * Conversation, and sockets opened as the Worker would open them. For tests of the objects.
 */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { base64, base64urlnopad } from "@scure/base";
import { v7 } from "uuid";
import type { Conversation } from "../../../durable/conversation/conversation.ts";
import { deviceHeader, userHeader } from "../../../durable/identity.ts";
import type { Inbox } from "../../../durable/inbox/inbox.ts";
import type { Submission, SubmitOutcome } from "../../../durable/rpc.ts";
import type { ChatDown, ChatUp, InboxDown, InboxUp } from "../../../src/protocol/frames.ts";
import { type DeviceRef, directConversationId } from "../../../src/protocol/ids.ts";
import type { Send } from "../../../src/protocol/send.ts";
import { subprotocol } from "../../../src/protocol/version.ts";
import { type ChangeOfRoster, type Made, MlsChat } from "../mls-client.ts";

export function newUserId(): string {
  return base64urlnopad.encode(crypto.getRandomValues(new Uint8Array(16)));
}
export function newMessageId(msecs: number = Date.now()): string {
  return v7({ msecs });
}
export function envelopeOf(text: string): string {
  return base64.encode(new TextEncoder().encode(text));
}
export function textOf(envelope: string): string {
  return new TextDecoder().decode(base64.decode(envelope));
}

export function submissionOf(text: string, fields: Partial<Submission> = {}): Submission {
  return {
    message_id: newMessageId(),
    generation: 1,
    epoch: 1,
    base_seq: 1,
    silent: false,
    envelope: envelopeOf(text),
    ...fields,
  };
}

/** The same as a frame. */
export function sendFrame(chat: DirectChat, text: string, fields: Partial<Send> = {}): Send {
  const message = {
    message_id: newMessageId(),
    generation: 1,
    epoch: 1,
    base_seq: 1,
    silent: false,
    envelope: envelopeOf(text),
  };
  return { type: "send", conversation_id: chat.id, ...message, ...fields };
}

export interface DirectChat {
  id: string;
  /** Devices by user: alice's first, then bob's. */
  alice: DeviceRef;
  bob: DeviceRef;
  /** What the devices hold of the group; its commits are real ones. */
  mls: MlsChat;
  conversation(): DurableObjectStub<Conversation>;
  inbox(user: DeviceRef): DurableObjectStub<Inbox>;
}

/** Two users with `devices` devices each and their founded chat. Entry 1 is the founding commit, epoch is 1. */
export async function foundDirectChat(
  devices = { alice: 1, bob: 1 },
  bob: DeviceRef = { user_id: newUserId(), device_id: 1 },
): Promise<DirectChat> {
  const alice = { user_id: newUserId(), device_id: 1 };
  const id = await directConversationId(alice.user_id, bob.user_id);
  const chat: DirectChat = {
    id,
    alice,
    bob,
    mls: new MlsChat(id, "direct"),
    conversation: () => env.CONVERSATION.getByName(id),
    inbox: (user) => env.INBOX.getByName(user.user_id),
  };
  const all = [...devicesOf(alice, devices.alice), ...devicesOf(bob, devices.bob)];
  for (const device of all) await chat.inbox(device).addDevice(device.device_id);
  const founding = await chat.mls.founding(all);
  const outcome = await chat.conversation().found({ author: alice, ...founding.request });
  if (!("state" in outcome)) throw new Error("the chat could not be founded");
  chat.mls.founded(founding);
  // The founding entry is on its way to all but its author: tests start when it has arrived.
  for (const user of [alice, bob]) {
    const awaited = all.filter((device) => device.user_id === user.user_id && device !== all[0]).length;
    while ((await heldCount(chat, user)) < awaited) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return chat;
}

/** A commit by `author`, sent as the Worker sends it; adopted by everybody when it is accepted. */
export async function commitTo(
  chat: Pick<DirectChat, "mls" | "conversation">,
  author: DeviceRef,
  change: ChangeOfRoster = {},
): Promise<SubmitOutcome> {
  return await sendCommit(chat, await chat.mls.commit(author, change));
}
export async function sendCommit(
  chat: Pick<DirectChat, "mls" | "conversation">,
  made: Made,
): Promise<SubmitOutcome> {
  const { author, request } = made;
  const outcome = await chat.conversation().commit({ author, request, areActive: true });
  if ("accepted" in outcome) chat.mls.accepted(made);
  return outcome;
}

function heldCount(chat: DirectChat, user: DeviceRef): Promise<number> {
  return runInDurableObject(chat.inbox(user), (_, state) => {
    const rows = state.storage.sql.exec<{ n: number }>(
      "SELECT count(*) AS n FROM held WHERE conversation_id = ?",
      chat.id,
    );
    return rows.one().n;
  });
}

export function devicesOf(first: DeviceRef, count: number): DeviceRef[] {
  return Array.from({ length: count }, (_, index) => ({ ...first, device_id: index + 1 }));
}

/** A device's socket: what came, in order, and waiting for what will come. */
export class TestSocket<Up, Down extends { type: string }> {
  readonly ws: WebSocket;
  readonly received: Down[] = [];
  closed: { code: number; reason: string } | null = null;
  #wake: () => void = () => undefined;

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.accept();
    ws.addEventListener("message", (event) => {
      this.received.push(...(JSON.parse(event.data as string) as Down[]));
      this.#wake();
    });
    ws.addEventListener("close", (event) => {
      this.closed = { code: event.code, reason: event.reason };
      this.#wake();
    });
  }

  send(...frames: Up[]): void {
    this.ws.send(JSON.stringify(frames));
  }
  sendText(text: string | ArrayBuffer): void {
    this.ws.send(text);
  }

  /** Resolves with what `find` finds in all that has come. Bounded, so that a missing frame names itself. */
  async until<T>(find: (received: Down[]) => T | undefined | false, what: string): Promise<T> {
    const deadline = Date.now() + 12_000;
    for (;;) {
      const found = find(this.received);
      if (found !== undefined && found !== false) return found;
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`${what} did not come; got ${JSON.stringify(this.received).slice(-1_500)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, Math.min(left, 100));
      });
    }
  }

  frame<T extends Down["type"]>(type: T, count = 1): Promise<Extract<Down, { type: T }>> {
    return this.until(
      (received) =>
        received.filter((frame) => frame.type === type)[count - 1] as Extract<Down, { type: T }> | undefined,
      `${type} number ${count}`,
    );
  }

  /** All entries that came, in the order they came. */
  entries(): { seq: number; message_id: string; envelope: string }[] {
    return this.received.flatMap((frame) => {
      const { entries } = frame as unknown as {
        entries?: { seq: number; message_id: string; envelope: string }[];
      };
      return frame.type === "entries" ? (entries ?? []) : [];
    });
  }
  untilSeq(seq: number): Promise<true> {
    return this.until(() => this.entries().some((entry) => entry.seq >= seq), `entry ${seq}`);
  }
  untilClosed(): Promise<{ code: number; reason: string }> {
    return this.until(() => this.closed ?? undefined, "close");
  }
}

async function open(
  stub: { fetch(request: Request): Promise<Response> },
  device: DeviceRef,
): Promise<WebSocket> {
  const response = await stub.fetch(
    new Request("https://kittiwake.test/socket", {
      headers: {
        upgrade: "websocket",
        "sec-websocket-protocol": subprotocol,
        [userHeader]: device.user_id,
        [deviceHeader]: String(device.device_id),
      },
    }),
  );
  if (response.webSocket === null) throw new Error(`no socket: ${response.status}`);
  return response.webSocket;
}

export type ChatSocket = TestSocket<ChatUp, ChatDown>;
export type InboxSocket = TestSocket<InboxUp, InboxDown>;

export async function openChat(chat: DirectChat, device: DeviceRef): Promise<ChatSocket> {
  return new TestSocket<ChatUp, ChatDown>(await open(chat.conversation(), device));
}
/** Opened, resumed from the start and live; everything so far is acknowledged. */
export async function openLiveChat(chat: DirectChat, device: DeviceRef): Promise<ChatSocket> {
  const socket = await openChat(chat, device);
  socket.send({ type: "hello", conversation_id: chat.id, position: null });
  const { state } = await socket.frame("ready");
  await socket.untilSeq(state.head);
  socket.send({ type: "ack", conversation_id: chat.id, seq: state.head });
  await socket.frame("live");
  return socket;
}

export async function openInbox(chat: DirectChat, device: DeviceRef): Promise<InboxSocket> {
  return new TestSocket<InboxUp, InboxDown>(await open(chat.inbox(device), device));
}
/** Opened and live, with everything that was held acknowledged. */
export async function openLiveInbox(chat: DirectChat, device: DeviceRef): Promise<InboxSocket> {
  const socket = await openInbox(chat, device);
  socket.send({ type: "hello", store_id: null });
  await socket.frame("ready");
  let acked = 0;
  await socket.until((received) => {
    const last = socket.entries().at(-1)?.seq ?? 0;
    if (last > acked) {
      acked = last;
      socket.send({ type: "ack", conversation_id: chat.id, seq: last });
    }
    return received.some((frame) => frame.type === "live");
  }, "live");
  return socket;
}
