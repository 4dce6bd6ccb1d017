/** Opening sockets: refusals close with a code that browsers can see, and objects get a verified identity only. */
import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Conversation } from "../../durable/conversation/conversation.ts";
import { Inbox } from "../../durable/inbox/inbox.ts";
import { signAccessToken } from "../../src/edge/access-token.ts";
import { closeCodes } from "../../src/protocol/close-codes.ts";
import { limits } from "../../src/protocol/limits.ts";
import { offeredProtocols } from "../../src/protocol/version.ts";
import { register } from "./access-client.ts";

const inboxPath = "/v1/inbox/socket";
const chatPath = `/v1/conversations/${"A".repeat(43)}/socket`;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function open(path: string, headers: Record<string, string>): Promise<Response> {
  return await exports.default.fetch(`https://kittiwake.test${path}`, {
    headers: { upgrade: "websocket", ...headers },
  });
}
function offering(token: string): Record<string, string> {
  return { "sec-websocket-protocol": offeredProtocols(token).join(", ") };
}

async function closeOf(answer: Response): Promise<number> {
  const socket = answer.webSocket;
  if (socket === null) throw new Error(`no socket: ${answer.status}`);
  const closed = new Promise<number>((resolve) => {
    socket.addEventListener("close", (event) => resolve(event.code));
  });
  socket.accept();
  return await closed;
}

/** What the object saw of an upgrade. */
function watchUpgrades(prototype: { fetch(request: Request): Promise<Response> | Response }): Request[] {
  const seen: Request[] = [];
  vi.spyOn(prototype, "fetch").mockImplementation(async (request: Request) => {
    seen.push(request);
    const pair = new WebSocketPair();
    pair[1].accept();
    pair[1].close(1000);
    return new Response(null, { status: 101, webSocket: pair[0] });
  });
  return seen;
}

describe("a refused socket", () => {
  test("closes as unauthorized for a missing, wrong, foreign or expired token", async () => {
    const device = await register();
    const foreign = await signAccessToken("ab".repeat(32), { user_id: device.user_id, device_id: 1 });
    for (const path of [inboxPath, chatPath]) {
      for (const headers of [
        { "sec-websocket-protocol": "kittiwake.v1" },
        offering("x"),
        offering(foreign.access_token),
        { "sec-websocket-protocol": "kittiwake.v1", authorization: "Bearer x" },
      ]) {
        expect(await closeOf(await open(path, headers))).toBe(closeCodes.unauthorized.code);
      }
    }
    vi.setSystemTime(Date.now() + limits.accessTokenLifetimeSeconds * 1000);
    const expired = await open(inboxPath, offering(device.access_token));
    expect(expired.headers.get("sec-websocket-protocol")).toBe("kittiwake.v1");
    expect(await closeOf(expired)).toBe(closeCodes.unauthorized.code);
  });

  test("closes as unauthorized when the token stands in the URL", async () => {
    const device = await register();
    const path = `${inboxPath}?token=${device.access_token}`;
    const answer = await open(path, { "sec-websocket-protocol": "kittiwake.v1" });
    expect(await closeOf(answer)).toBe(closeCodes.unauthorized.code);
  });

  test("closes as an unsupported version, answering a protocol that was offered", async () => {
    const device = await register();
    const answer = await open(inboxPath, {
      "sec-websocket-protocol": `token.${device.access_token}, kittiwake.v9`,
    });
    expect(answer.headers.get("sec-websocket-protocol")).toBe("kittiwake.v9");
    expect(await closeOf(answer)).toBe(closeCodes.unsupportedVersion.code);
    const bare = await open(inboxPath, { authorization: `Bearer ${device.access_token}` });
    expect(await closeOf(bare)).toBe(closeCodes.unsupportedVersion.code);
  });

  test("closes as not found for an id that no conversation can have", async () => {
    const device = await register();
    const answer = await open("/v1/conversations/short/socket", offering(device.access_token));
    expect(await closeOf(answer)).toBe(closeCodes.notFound.code);
  });

  test("is a plain error when it is no upgrade at all", async () => {
    const device = await register();
    const answer = await exports.default.fetch(`https://kittiwake.test${inboxPath}`, {
      headers: offering(device.access_token),
    });
    expect(answer.status).toBe(400);
  });
});

describe("an accepted socket", () => {
  test("reaches its object with the verified identity and without the token, whatever the client claimed", async () => {
    const device = await register();
    for (const [path, prototype] of [
      [inboxPath, Inbox.prototype],
      [chatPath, Conversation.prototype],
    ] as const) {
      const seen = watchUpgrades(prototype);
      const answer = await open(path, {
        ...offering(device.access_token),
        "x-kittiwake-user": "B".repeat(22),
        "X-Kittiwake-Device": "9",
        "x-kittiwake-anything": "1",
        cookie: "a=b",
      });
      expect(answer.status).toBe(101);
      const headers = seen[0]?.headers;
      expect(headers?.get("x-kittiwake-user")).toBe(device.user_id);
      expect(headers?.get("x-kittiwake-device")).toBe("1");
      expect(headers?.get("x-kittiwake-anything")).toBeNull();
      expect(headers?.get("sec-websocket-protocol")).toBe("kittiwake.v1");
      expect(headers?.get("cookie")).toBeNull();
      expect(JSON.stringify([...(headers ?? [])])).not.toContain(device.access_token);
      await closeOf(answer);
    }
  });

  test("may bring its token in the header, where a client can set one", async () => {
    const device = await register();
    const seen = watchUpgrades(Inbox.prototype);
    const answer = await open(inboxPath, {
      "sec-websocket-protocol": "kittiwake.v1",
      authorization: `Bearer ${device.access_token}`,
    });
    expect(answer.status).toBe(101);
    expect(seen[0]?.headers.get("authorization")).toBeNull();
    await closeOf(answer);
  });
});
