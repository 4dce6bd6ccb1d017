/**
 * A small server in memory that speaks the protocol as a client sees it, with the faults a test asks for. Not a model
 * of the real one: no limits, no durability, delivery at once.
 */
import type { SocketHandlers } from "../../../../src/client/environment.ts";
import { type ErrorCode, errorBody, errorStatus } from "../../../../src/protocol/errors.ts";
import type { CommitRequest, FoundRequest } from "../../../../src/protocol/http.ts";
import { type DeviceRef, deviceKey } from "../../../../src/protocol/ids.ts";
import type { Send } from "../../../../src/protocol/send.ts";
import { FakeAccounts } from "./fake-accounts.ts";
import { FakeLog, fakeMac } from "./fake-log.ts";
import { FakeSocket, type Frame } from "./fake-sockets.ts";
import type { Network } from "./virtual-environment.ts";

interface User {
  userId: string;
  devices: number[];
}

export class FakeServer implements Network {
  readonly users = new Map<string, User>();
  readonly logs = new Map<string, FakeLog>();
  readonly sockets: FakeSocket[] = [];
  readonly requests: { method: string; path: string; body: unknown }[] = [];
  /** deviceKey|conversation → acknowledged. */
  readonly acked = new Map<string, number>();
  /** [F9] Conversations that are listed instead of held, until an ack covers their head. */
  readonly marked = new Set<string>();
  readonly accounts = new FakeAccounts();
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
  readonly #revoked = new Set<string>();

  user(phone: string): User {
    const known = this.users.get(phone);
    if (known !== undefined) return known;
    const user = {
      userId: `${`user-${phone.replace(/\D/g, "")}`.padEnd(21, "-").slice(0, 21)}A`,
      devices: [],
    };
    this.users.set(phone, user);
    return user;
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
    this.#revoked.add(deviceKey(device));
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
    const device = this.#deviceOf(protocols.find((item) => item.startsWith("token."))?.slice(6) ?? "");
    const conversationId = /conversations\/([^/]+)\/socket/.exec(url)?.[1] ?? null;
    const socket = new FakeSocket(device ?? { user_id: "", device_id: 0 }, conversationId, handlers);
    socket.onFrame = (frame) => this.#frame(frame, socket);
    this.sockets.push(socket);
    if (!this.isReachable || this.blocksSockets) socket.close(1006);
    else if (device === null) socket.close(4401);
    else if (this.#revoked.has(deviceKey(device))) socket.close(4403);
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
    const answer = code === null ? this.#answer(method, path, searchParams, body as Frame, init) : { code };
    if ("code" in answer) return Response.json(errorBody(answer.code), { status: errorStatus(answer.code) });
    return Response.json(answer.ok);
  }

  /** A message by a device that no client of this test drives. */
  say(conversationId: string, sender: DeviceRef, content: string, messageId: string): number {
    const log = this.log(conversationId);
    const body = { message_id: messageId, base_seq: log.head, silent: false, envelope: content };
    const outcome = log.forge(sender, body, this.nowMs);
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

  #receivers(log: FakeLog, seq = log.head): FakeSocket[] {
    const isIn = (device: DeviceRef) =>
      (log.roster.get(deviceKey(device)) ?? Number.POSITIVE_INFINITY) <= seq ||
      (log.gone.get(deviceKey(device)) ?? 0) >= seq;
    const live = this.open().filter((socket) => socket.isLive && isIn(socket.device));
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
    const gone = log.gone.get(deviceKey(device)) ?? 0;
    const first = log.roster.get(deviceKey(device)) ?? (gone > 0 ? 1 : undefined);
    const last = log.roster.has(deviceKey(device)) ? Number.POSITIVE_INFINITY : gone;
    if (first === undefined || this.marked.has(log.conversationId)) return [];
    const acked = this.acked.get(`${deviceKey(device)}|${log.conversationId}`) ?? 0;
    return log.entries.filter(
      (entry) =>
        entry.seq > acked &&
        entry.seq >= first &&
        entry.seq <= last &&
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

  #answer(
    method: string,
    path: string,
    query: URLSearchParams,
    body: Frame,
    init: RequestInit,
  ): { ok: unknown } | { code: ErrorCode } {
    const open = this.#answerOpen(path, body);
    if (open !== null) return open;
    const token = new Headers(init.headers).get("authorization")?.replace("Bearer ", "") ?? "";
    const device = this.#deviceOf(token);
    if (device === null) return { code: "unauthorized" };
    if (this.#revoked.has(deviceKey(device))) return { code: "revoked" };
    if (path === "/auth/logout") {
      this.#revoked.add(deviceKey(device));
      return { ok: {} };
    }
    if (path === "/directory/lookup") {
      const user = this.users.get(String(body.phone));
      return user === undefined
        ? { code: "unknown_user" }
        : { ok: { user_id: user.userId, phone: body.phone } };
    }
    const devicesOf = /^\/users\/([^/]+)\/devices$/.exec(path)?.[1];
    if (devicesOf !== undefined) {
      const user = [...this.users.values()].find((candidate) => candidate.userId === devicesOf);
      const isActive = (device_id: number) =>
        ![...this.logs.values()].some((log) =>
          log.loggedOut.has(deviceKey({ user_id: devicesOf, device_id })),
        );
      return { ok: { user_id: devicesOf, devices: (user?.devices ?? []).filter(isActive) } };
    }
    const account = this.accounts.answer(method, path, body, device, [...this.users.values()]);
    if (account !== null) return account;
    if (path === "/inbox/conversations") return { ok: { conversations: this.#chatList(device), next: null } };
    if (path === "/inbox/poll") return { ok: this.#poll(device, body) };
    return this.#answerConversation(method, path, query, body, device);
  }

  #answerOpen(path: string, body: Frame): { ok: unknown } | { code: ErrorCode } | null {
    if (path === "/auth/code") return { ok: { expires_in_seconds: 600, development_code: "123456" } };
    if (path === "/auth/verify") {
      if (body.code !== "123456") return { code: "wrong_code" };
      const user = this.user(String(body.phone));
      const device_id = user.devices.length + 1;
      user.devices.push(device_id);
      return { ok: this.#tokens({ user_id: user.userId, device_id }) };
    }
    if (path === "/auth/refresh") {
      const device = parseToken(String(body.refresh_token));
      if (this.#revoked.has(deviceKey(device))) return { code: "revoked" };
      return { ok: this.#tokens(device) };
    }
    return null;
  }

  #answerConversation(
    method: string,
    path: string,
    query: URLSearchParams,
    body: Frame,
    device: DeviceRef,
  ): { ok: unknown } | { code: ErrorCode } {
    const [, conversationId = "", rest = ""] = /^\/conversations\/([^/]+)(.*)$/.exec(path) ?? [];
    let log = this.logs.get(conversationId);
    if (method === "PUT" && rest === "") {
      const founding = body as unknown as FoundRequest;
      log ??= new FakeLog(conversationId, founding.kind);
      if (log.generation > 0 && !log.users.includes(device.user_id)) return { code: "bad_roster" };
      const known = log.entries.find((entry) => entry.message_id === founding.message_id);
      if (known !== undefined) return { ok: log.state(device) };
      this.logs.set(conversationId, log);
      return this.#submitted(log, log.found(device, founding, this.nowMs), () => log?.state(device));
    }
    const isOut = log?.gone.has(deviceKey(device)) ?? false;
    if (log === undefined || !(log.users.includes(device.user_id) || isOut)) return { code: "not_found" };
    if (rest === "/entries") return { ok: this.#page(log, device, Number(query.get("after"))) };
    if (!log.users.includes(device.user_id)) return { code: "not_found" };
    if (rest === "") return { ok: log.state(device) };
    if (rest === "/welcome") return orNotFound(log.welcome(device));
    if (rest === "/group-info") return orNotFound(log.groupInfo());
    const refusal = this.refuseNext.shift();
    if (refusal !== undefined) return { code: refusal.code };
    if (rest === "/commits")
      return this.#submitted(log, log.commit(device, body as unknown as CommitRequest, this.nowMs));
    if (rest === "/leave") {
      const leave = body as unknown as { message_id: string; epoch: number; signature: string };
      return this.#submitted(log, log.leave(device, leave, this.nowMs));
    }
    return this.#submitted(log, log.submit(device, body as unknown as Send, this.nowMs));
  }

  #submitted(
    log: FakeLog,
    outcome: ReturnType<FakeLog["submit"]>,
    answer: () => unknown = () => ("accepted" in outcome ? outcome.accepted : null),
  ): { ok: unknown } | { code: ErrorCode } {
    if ("refused" in outcome) return { code: outcome.refused };
    this.deliver(log, outcome.accepted.seq);
    return { ok: answer() };
  }

  #page(log: FakeLog, device: DeviceRef, after: number) {
    const gone = log.gone.get(deviceKey(device));
    const isIn = log.roster.has(deviceKey(device));
    const first_seq = log.roster.get(deviceKey(device)) ?? (gone === undefined ? log.head + 1 : 1);
    const from = Math.max(after, first_seq - 1);
    const entries = log.entries.slice(from, Math.min(from + 3, isIn ? log.head : (gone ?? 0)));
    const { conversationId: conversation_id, logId: log_id, head } = log;
    const last = entries.at(-1)?.seq ?? 0;
    const more = entries.length > 0 && last < head;
    const mac = entries.length > 0 ? { mac: fakeMac(last) } : {};
    return { conversation_id, log_id, head, first_seq, entries, more, ...mac };
  }

  #poll(device: DeviceRef, body: Frame) {
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

  #chatList(device: DeviceRef) {
    return [...this.logs.values()]
      .filter((log) => log.users.includes(device.user_id))
      .map((log) => ({ conversation_id: log.conversationId, kind: log.kind, last_activity_at: 0 }));
  }

  #tokens(device: DeviceRef) {
    return {
      ...device,
      access_token: `${deviceKey(device)}.${this.#generation}`,
      access_expires_at: this.nowMs + 900_000,
      refresh_token: `${deviceKey(device)}.r`,
    };
  }
  #deviceOf(token: string): DeviceRef | null {
    return token.endsWith(`.${this.#generation}`) ? parseToken(token) : null;
  }
}

function parseToken(token: string): DeviceRef {
  const [user_id = "", device_id = ""] = token.split(".");
  return { user_id, device_id: Number(device_id) };
}

function orNotFound(answer: object | null): { ok: unknown } | { code: ErrorCode } {
  return answer === null ? { code: "not_found" } : { ok: answer };
}
