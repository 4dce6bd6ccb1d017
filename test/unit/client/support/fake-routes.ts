/** The fake server's HTTP routes. What only the happy path needs is checked by the real schemas, so that drift shows. */
import { type ErrorCode, ProtocolError } from "../../../../src/protocol/errors.ts";
import {
  commitRequestSchema,
  foundRequestSchema,
  messageRequestSchema,
} from "../../../../src/protocol/http.ts";
import { type DeviceRef, deviceKey, directConversationId } from "../../../../src/protocol/ids.ts";
import {
  claimRequestSchema,
  keyPackagesRequestSchema,
  leaveRequestSchema,
  profileSchema,
} from "../../../../src/protocol/mls.ts";
import type { FakeKeys } from "./fake-keys.ts";
import { FakeLog, type Outcome } from "./fake-log.ts";
import type { Frame } from "./fake-sockets.ts";

/** What the routes ask of the server that has them. */
export interface RoutedServer {
  readonly users: Map<string, { userId: string; devices: number[] }>;
  readonly logs: Map<string, FakeLog>;
  readonly keys: FakeKeys;
  readonly revoked: Set<string>;
  readonly refuseNext: { code: ErrorCode }[];
  readonly nowMs: number;
  user(phone: string): { userId: string; devices: number[] };
  activeDevices(userId: string): DeviceRef[];
  tokens(device: DeviceRef): object;
  deviceOf(token: string): DeviceRef | null;
  chatList(device: DeviceRef): object[];
  poll(device: DeviceRef, body: Frame): object;
  page(log: FakeLog, device: DeviceRef, after: number): object;
  deliver(log: FakeLog, seq: number): void;
}

export interface FakeRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  body: Frame;
  /** The body as it was sent: bytes, for a blob. */
  raw: unknown;
  token: string;
}
export type FakeAnswer = { ok: unknown } | { bytes: Uint8Array<ArrayBuffer> } | { code: ErrorCode };

export async function answerRequest(server: RoutedServer, request: FakeRequest): Promise<FakeAnswer> {
  const open = answerOpen(server, request);
  if (open !== null) return open;
  const device = server.deviceOf(request.token);
  if (device === null) return { code: "unauthorized" };
  if (server.revoked.has(deviceKey(device))) return { code: "revoked" };
  const account = (await answerKeys(server, request, device)) ?? answerAccount(server, request, device);
  return account ?? (await answerConversation(server, request, device));
}

function answerOpen(server: RoutedServer, { path, body }: FakeRequest): FakeAnswer | null {
  if (path === "/auth/code") return { ok: { expires_in_seconds: 600, development_code: "123456" } };
  if (path === "/auth/verify") {
    if (body.code !== "123456") return { code: "wrong_code" };
    const user = server.user(String(body.phone));
    const device_id = user.devices.length + 1;
    user.devices.push(device_id);
    return { ok: server.tokens({ user_id: user.userId, device_id }) };
  }
  if (path !== "/auth/refresh") return null;
  const device = parseToken(String(body.refresh_token));
  return server.revoked.has(deviceKey(device)) ? { code: "revoked" } : { ok: server.tokens(device) };
}

function answerAccount(server: RoutedServer, request: FakeRequest, device: DeviceRef): FakeAnswer | null {
  const { path, body } = request;
  if (path === "/auth/logout") {
    server.revoked.add(deviceKey(device));
    return { ok: {} };
  }
  if (path === "/directory/lookup") {
    const user = server.users.get(String(body.phone));
    return user === undefined
      ? { code: "unknown_user" }
      : { ok: { user_id: user.userId, phone: body.phone } };
  }
  const userId = /^\/users\/([^/]+)\/devices$/.exec(path)?.[1];
  if (userId !== undefined)
    return { ok: { user_id: userId, devices: server.activeDevices(userId).map((ref) => ref.device_id) } };
  if (path === "/inbox/conversations") return { ok: { conversations: server.chatList(device), next: null } };
  return path === "/inbox/poll" ? { ok: server.poll(device, body) } : null;
}

/** [E6] Key packages and profiles. */
async function answerKeys(
  server: RoutedServer,
  { method, path, body }: FakeRequest,
  device: DeviceRef,
): Promise<FakeAnswer | null> {
  const { keys } = server;
  if (path === "/account/key-packages") {
    if (method === "PUT") keys.upload(device, keyPackagesRequestSchema.parse(body).packages);
    return { ok: keys.counts(device) };
  }
  if (path === "/key-packages/claim") {
    const { suite, user_ids } = claimRequestSchema.parse(body);
    const claimOf = async (user_id: string) => {
      const others = server.activeDevices(user_id).filter((one) => deviceKey(one) !== deviceKey(device));
      const chat = server.logs.get(await directConversationId(device.user_id, user_id));
      const isStranger = user_id !== device.user_id && chat === undefined;
      return { user_id, devices: keys.claim(others, suite, isStranger) };
    };
    return { ok: { users: await Promise.all(user_ids.map(claimOf)) } };
  }
  if (path === "/account/profile" && method === "PUT") {
    keys.profiles.set(device.user_id, profileSchema.parse(body).sealed);
    return { ok: {} };
  }
  const userId = /^\/users\/([^/]+)\/profile$/.exec(path)?.[1];
  if (userId === undefined) return null;
  const sealed = keys.profiles.get(userId);
  return sealed === undefined ? { code: "not_found" } : { ok: { sealed } };
}

async function answerConversation(
  server: RoutedServer,
  request: FakeRequest,
  device: DeviceRef,
): Promise<FakeAnswer> {
  const { method, path, query } = request;
  const [, conversationId = "", rest = ""] = /^\/conversations\/([^/]+)(.*)$/.exec(path) ?? [];
  const [, hash] = /^\/blobs\/(.+)$/.exec(rest) ?? [];
  if (hash !== undefined) return await answerBlob(server, request, hash);
  if (method === "PUT" && rest === "") return found(server, request, device, conversationId);
  const log = server.logs.get(conversationId);
  // Whoever is out may still read the log up to there.
  if (rest === "/entries" && log?.readable(device) != null)
    return { ok: server.page(log, device, Number(query.get("after"))) };
  if (log === undefined || !log.users.includes(device.user_id)) return { code: "not_found" };
  if (rest === "") return { ok: log.state(device) };
  if (rest === "/entries") return { ok: server.page(log, device, Number(query.get("after"))) };
  if (rest === "/welcome") return orNotFound(log.welcome(device));
  if (rest === "/group-info") return orNotFound(log.groupInfo(device));
  return submitted(server, log, request, device, rest);
}

function submitted(
  server: RoutedServer,
  log: FakeLog,
  { body }: FakeRequest,
  device: DeviceRef,
  rest: string,
): FakeAnswer {
  const refusal = server.refuseNext.shift();
  if (refusal !== undefined) return { code: refusal.code };
  const before = log.head;
  const outcome = submit(log, body, device, rest, server.nowMs);
  if ("refused" in outcome) return { code: outcome.refused };
  if (log.head > before) server.deliver(log, outcome.accepted.seq);
  return { ok: outcome.accepted };
}

function submit(log: FakeLog, body: Frame, device: DeviceRef, rest: string, nowMs: number): Outcome {
  if (rest === "/messages") return log.submit(device, messageRequestSchema.parse(body), nowMs);
  if (rest === "/commits") return log.submitCommit(device, commitRequestSchema.parse(body), nowMs);
  if (rest === "/leave") return log.leave(device, leaveRequestSchema.parse(body), nowMs);
  throw new ProtocolError("not_found");
}

function found(
  server: RoutedServer,
  { body }: FakeRequest,
  device: DeviceRef,
  conversationId: string,
): FakeAnswer {
  const request = foundRequestSchema.parse(body);
  const log = server.logs.get(conversationId) ?? new FakeLog(conversationId, request.kind);
  // [L3] An answer that was lost is given again.
  const isRepeat = log.entries.some((entry) => entry.message_id === request.message_id);
  const entry = isRepeat ? null : log.found(device, request, server.nowMs);
  if (!isRepeat && entry === null) return { code: "already_founded" };
  server.logs.set(conversationId, log);
  if (entry !== null) server.deliver(log, entry.seq);
  return { ok: log.state(device) };
}

async function answerBlob(
  { keys }: RoutedServer,
  { method, raw }: FakeRequest,
  hash: string,
): Promise<FakeAnswer> {
  if (method === "PUT") {
    const isNamed = await keys.putBlob(hash, new Uint8Array(raw as ArrayBuffer));
    return isNamed ? { ok: {} } : { code: "bad_frame" };
  }
  const bytes = keys.blobs.get(hash);
  return bytes === undefined ? { code: "not_found" } : { bytes };
}

function orNotFound(answer: object | null): FakeAnswer {
  return answer === null ? { code: "not_found" } : { ok: answer };
}

export function parseToken(token: string): DeviceRef {
  const [user_id = "", device_id = ""] = token.split(".");
  return { user_id, device_id: Number(device_id) };
}
