/**
 * A small server in memory that speaks the protocol as a client sees it, with the faults a test asks for. Not a model
 * of the real one: no limits, no durability, delivery at once.
 */
import type { SocketHandlers } from "../../../../src/client/environment.ts";
import { type ErrorCode, errorBody, errorStatus } from "../../../../src/protocol/errors.ts";
import { type DeviceRef, deviceKey } from "../../../../src/protocol/ids.ts";
import type { Send } from "../../../../src/protocol/send.ts";
import { FakeKeys } from "./fake-keys.ts";
import { type FakeLog, fakeMac } from "./fake-log.ts";
import { answerRequest, parseToken, type RoutedServer } from "./fake-routes.ts";
import { FakeSocket, type Frame } from "./fake-sockets.ts";
import type { Network } from "./virtual-environment.ts";

interface User {
  userId: string;
  devices: number[];
}

export class FakeServer implements Network, RoutedServer {
  readonly users = new Map<string, User>();
  readonly logs = new Map<string, FakeLog>();
  readonly sockets: FakeSocket[] = [];
  readonly requests: { method: string; path: string; body: unknown }[] = [];
  /** deviceKey|conversation → acknowledged. */
  readonly acked = new Map<string, number>();
  /** [F9] Conversations that are listed instead of held, until an ack covers their head. */
  readonly marked = new Set<string>();
  storeId = "store-1";
  nowMs = 1_800_000_000_000;
  isReachable = true;
  blocksSockets = false;
  /** Codes with which the next sends are refused, whatever they are. */
  refuseNext: { code: ErrorCode; retry_after_ms?: number }[] = [];
  /** Called before an HTTP request is answered: throw to lose it, return an error to refuse it. */
  intercept: (method: string, path: string) => ErrorCode | null = () => null;
  onSocket: (socket: FakeSocket) => void = () => {};
  #generation = 1;
  readonly keys = new FakeKeys();
  readonly revoked = new Set<string>();

  /** Sixteen bytes in base64url: the last character has only two bits. */
  user(phone: string): User {
    const known = this.users.get(phone);
    if (known !== undefined) return known;
    const user = {
      userId: `user-${phone.replace(/\D/g, "")}`.padEnd(21, "-").slice(0, 21).concat("A"),
      devices: [],
    };
    this.users.set(phone, user);
    return user;
  }
  activeDevices(userId: string): DeviceRef[] {
    const user = [...this.users.values()].find((candidate) => candidate.userId === userId);
    const devices = (user?.devices ?? []).map((device_id) => ({ user_id: userId, device_id }));
    return devices.filter((device) => !this.revoked.has(deviceKey(device)));
  }
  log(conversationId: string): FakeLog {
    const log = this.logs.get(conversationId);
    if (log === undefined) throw new Error("no such log");
    return log;
  }
  expireTokens(): void {
    this.#generation += 1;
  }
  revoke(device: DeviceRef): void {
    this.revoked.add(deviceKey(device));
    for (const socket of this.open(device)) socket.close(4403);
  }
  open(device?: DeviceRef): FakeSocket[] {
    return this.sockets.filter(
      (socket) => socket.isOpen && (device === undefined || deviceKey(socket.device) === deviceKey(device)),
    );
  }
  inboxSocket(device: DeviceRef): FakeSocket {
    const socket = this.open(device).find((candidate) => candidate.conversationId === null);
    if (socket === undefined) throw new Error("no inbox socket");
    return socket;
  }
  cutAll(code = 1006): void {
    for (const socket of this.open()) socket.close(code);
  }

  connect(url: string, protocols: string[], handlers: SocketHandlers) {
    const device = this.deviceOf(protocols.find((item) => item.startsWith("token."))?.slice(6) ?? "");
    const conversationId = /conversations\/([^/]+)\/socket/.exec(url)?.[1] ?? null;
    const socket = new FakeSocket(device ?? { user_id: "", device_id: 0 }, conversationId, handlers);
    socket.onFrame = (frame) => this.#frame(frame, socket);
    this.sockets.push(socket);
    if (!this.isReachable || this.blocksSockets) socket.close(1006);
    else if (device === null) socket.close(4401);
    else if (this.revoked.has(deviceKey(device))) socket.close(4403);
    else queueMicrotask(() => socket.isOpen && handlers.opened());
    this.onSocket(socket);
    return { send: (text: string) => socket.take(text), close: () => socket.close(1000) };
  }

  async fetch(url: string, init: RequestInit): Promise<Response> {
    if (!this.isReachable) throw new TypeError("unreachable");
    const { pathname, searchParams } = new URL(url);
    const path = pathname.replace("/v1", "");
    const method = init.method ?? "GET";
    const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : null;
    this.requests.push({ method, path: path + (searchParams.size > 0 ? `?${searchParams}` : ""), body });
    const code = this.intercept(method, path);
    const token = new Headers(init.headers).get("authorization")?.replace("Bearer ", "") ?? "";
    const request = { method, path, query: searchParams, body: body as Frame, raw: init.body, token };
    const answer = code === null ? await answerRequest(this, request) : { code };
    if ("code" in answer) return Response.json(errorBody(answer.code), { status: errorStatus(answer.code) });
    return "bytes" in answer ? new Response(answer.bytes) : Response.json(answer.ok);
  }

  /** A message by a device that no client of this test drives. */
  say(conversationId: string, sender: DeviceRef, envelope: string, messageId: string): number {
    const log = this.log(conversationId);
    const { epoch, generation, head: base_seq } = log;
    const body = { message_id: messageId, generation, epoch, base_seq, silent: false, envelope };
    const outcome = log.submit(sender, body, this.nowMs);
    if ("refused" in outcome) throw new Error(outcome.refused);
    this.deliver(log, outcome.accepted.seq);
    return outcome.accepted.seq;
  }

  deliver(log: FakeLog, seq: number): void {
    const entry = log.entries[seq - 1];
    if (entry === undefined) return;
    for (const socket of this.#receivers(log, seq)) {
      if (deviceKey(socket.device) === deviceKey(entry.sender)) continue;
      socket.send(this.#entriesFrame(log, [entry]));
    }
  }

  /** Of the entry at `seq`: who is taken out by it gets it, and nothing after it. */
  #receivers(log: FakeLog, seq = log.head): FakeSocket[] {
    const mayRead = ({ device }: FakeSocket) => (log.readable(device)?.last ?? 0) >= seq;
    const live = this.open().filter((socket) => socket.isLive && mayRead(socket));
    const onChat = live.filter((socket) => socket.conversationId === log.conversationId);
    const served = new Set(onChat.map((socket) => deviceKey(socket.device)));
    const onInbox = live.filter(
      (socket) => socket.conversationId === null && !served.has(deviceKey(socket.device)),
    );
    return [...onChat, ...onInbox];
  }

  #entriesFrame(log: FakeLog, entries: FakeLog["entries"]) {
    const last = entries.at(-1)?.seq ?? 0;
    return {
      type: "entries",
      conversation_id: log.conversationId,
      log_id: log.logId,
      entries,
      mac: fakeMac(last),
    };
  }

  #frame(frame: Frame, socket: FakeSocket): void {
    const log = this.logs.get(frame.conversation_id ?? "");
    if (frame.type === "hello") this.#hello(frame, socket);
    else if (log === undefined) return;
    else if (frame.type === "send") this.#send(frame, log, socket);
    else if (frame.type === "proceed") socket.heldBack.delete(log.conversationId);
    else if (frame.type === "ack") this.#ack(log, socket.device, Number(frame.seq));
    else if (frame.type === "read") {
      this.#read(log, socket.device, Number(frame.seq));
      socket.send({ type: "read_confirmed", conversation_id: log.conversationId, seq: Number(frame.seq) });
    }
  }

  #hello(frame: Frame, socket: FakeSocket): void {
    if (socket.conversationId === null) {
      socket.send({ type: "ready", store_id: this.storeId });
      for (const log of this.logs.values()) {
        const entries = this.#missing(log, socket.device);
        if (entries.length > 0) socket.send(this.#entriesFrame(log, entries));
      }
      if (this.marked.size > 0) socket.send({ type: "marks", conversation_ids: [...this.marked] });
      socket.send({ type: "live" });
    } else {
      const log = this.log(socket.conversationId);
      const position = frame.position as { log_id: string; seq: number; message_id: string } | null;
      const isOurs =
        position === null ||
        (position.log_id === log.logId && log.entries[position.seq - 1]?.message_id === position.message_id);
      const state = log.state(socket.device);
      socket.send({ type: "ready", conversation_id: log.conversationId, resync: !isOurs, state });
      const entries = log.entries.slice(isOurs ? (position?.seq ?? 0) : 0);
      if (entries.length > 0) socket.send(this.#entriesFrame(log, entries));
      socket.send({ type: "live", conversation_id: log.conversationId });
    }
    socket.isLive = true;
  }

  #missing(log: FakeLog, device: DeviceRef): FakeLog["entries"] {
    const may = log.readable(device);
    if (may === null || this.marked.has(log.conversationId)) return [];
    const acked = this.acked.get(`${deviceKey(device)}|${log.conversationId}`) ?? 0;
    return log.entries.filter(
      (entry) =>
        entry.seq > acked &&
        entry.seq >= may.first &&
        entry.seq <= may.last &&
        deviceKey(entry.sender) !== deviceKey(device),
    );
  }

  #send(frame: Frame, log: FakeLog, socket: FakeSocket): void {
    const send = frame as unknown as Send;
    const refuse = (code: ErrorCode, details: object = {}) => {
      socket.heldBack.add(log.conversationId);
      const { conversation_id, message_id } = send;
      socket.send({ type: "refused", conversation_id, message_id, ...errorBody(code).error, ...details });
    };
    if (socket.heldBack.has(log.conversationId)) return refuse("after_refusal");
    const ordered = this.refuseNext.shift();
    if (ordered !== undefined) return refuse(ordered.code, { retry_after_ms: ordered.retry_after_ms });
    const before = log.head;
    const outcome = log.submit(socket.device, send, this.nowMs);
    if ("refused" in outcome) return refuse(outcome.refused);
    socket.send(outcome.accepted);
    if (log.head > before) this.deliver(log, outcome.accepted.seq);
  }

  #ack(log: FakeLog, device: DeviceRef, seq: number): void {
    const key = `${deviceKey(device)}|${log.conversationId}`;
    this.acked.set(key, Math.max(this.acked.get(key) ?? 0, seq));
    if (seq >= log.head) this.marked.delete(log.conversationId);
    log.delivered.set(device.user_id, Math.max(log.delivered.get(device.user_id) ?? 0, seq));
    this.#receipts(log, device.user_id);
  }
  #read(log: FakeLog, device: DeviceRef, seq: number): void {
    log.read.set(device.user_id, Math.max(log.read.get(device.user_id) ?? 0, seq));
    this.#receipts(log, device.user_id);
  }
  #receipts(log: FakeLog, userId: string): void {
    const receipt = {
      user_id: userId,
      delivered: log.delivered.get(userId) ?? 0,
      read: log.read.get(userId) ?? 0,
    };
    for (const socket of this.#receivers(log)) {
      socket.send({ type: "receipts", conversation_id: log.conversationId, receipts: [receipt] });
    }
  }

  page(log: FakeLog, device: DeviceRef, after: number) {
    const { first: first_seq, last: end } = log.readable(device) ?? { first: log.head + 1, last: log.head };
    const from = Math.max(after, first_seq - 1);
    const entries = log.entries.slice(from, Math.min(from + 3, end));
    const { conversationId: conversation_id, logId: log_id } = log;
    const head = end;
    const last = entries.at(-1)?.seq ?? 0;
    const more = entries.length > 0 && last < head;
    const mac = entries.length > 0 ? { mac: fakeMac(last) } : {};
    return { conversation_id, log_id, head, first_seq, entries, more, ...mac };
  }

  poll(device: DeviceRef, body: Frame) {
    for (const report of body.reports as { conversation_id: string; acked?: number; read?: number }[]) {
      if (report.acked !== undefined) this.#ack(this.log(report.conversation_id), device, report.acked);
      if (report.read !== undefined) this.#read(this.log(report.conversation_id), device, report.read);
    }
    const waiting = [...this.logs.values()].map((log) => ({ log, entries: this.#missing(log, device) }));
    const frames = waiting.filter(({ entries }) => entries.length > 0);
    return {
      store_id: this.storeId,
      frames: frames.map(({ log, entries }) => this.#entriesFrame(log, entries)),
      marks: [...this.marked],
      live: frames.length === 0 && this.marked.size === 0,
      refused: [],
    };
  }

  chatList(device: DeviceRef) {
    return [...this.logs.values()]
      .filter((log) => log.users.includes(device.user_id))
      .map(({ conversationId, kind }) => ({ conversation_id: conversationId, kind, last_activity_at: 0 }));
  }

  tokens(device: DeviceRef) {
    return {
      ...device,
      access_token: `${deviceKey(device)}.${this.#generation}`,
      access_expires_at: this.nowMs + 900_000,
      refresh_token: `${deviceKey(device)}.r`,
    };
  }
  deviceOf(token: string): DeviceRef | null {
    return token.endsWith(`.${this.#generation}`) ? parseToken(token) : null;
  }
}
