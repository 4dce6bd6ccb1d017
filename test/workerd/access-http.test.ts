/** What every route does alike: bodies, unknown paths, strangers, limits, headers, failures. */
import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { newUserId } from "../../durable/account/user-id.ts";
import { accountStub } from "../../durable/names.ts";
import { schemaExists } from "../../durable/schema.ts";
import { app } from "../../src/edge/app.ts";
import { errorBody } from "../../src/protocol/errors.ts";
import { limits } from "../../src/protocol/limits.ts";
import { answerOf, call, freshPhone, register } from "./access-client.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

async function postRaw(path: string, body: BodyInit, headers: Record<string, string> = {}) {
  return await answerOf(
    await exports.default.fetch(`https://kittiwake.test${path}`, {
      method: "POST",
      body,
      headers: { "cf-connecting-ip": crypto.randomUUID(), ...headers },
    }),
  );
}

describe("bodies", () => {
  test("that are not JSON, not UTF-8 or not of the form are refused without an echo of what they held", async () => {
    expect((await postRaw("/v1/auth/code", "{")).body).toEqual(errorBody("bad_json"));
    expect((await postRaw("/v1/auth/code", "")).body).toEqual(errorBody("bad_json"));
    const invalid = new Uint8Array([...new TextEncoder().encode('{"phone":"'), 0xc3, 0x28, 0x22, 0x7d]);
    expect((await postRaw("/v1/auth/code", invalid)).body.error.code).toBe("bad_json");
    const refused = await call("/v1/auth/code", { body: { phone: 7, secret: "hunter2" } });
    expect(refused).toMatchObject({
      status: 400,
      body: { error: { code: "bad_frame", where: "phone: invalid_type" } },
    });
    expect(JSON.stringify(refused.body)).not.toContain("hunter2");
  });

  test("that are too large are refused by declared length and by count", async () => {
    const big = "x".repeat(limits.httpBodyBytesMax + 1);
    expect(await postRaw("/v1/auth/code", big)).toMatchObject({
      status: 413,
      body: { error: { code: "too_large" } },
    });
    const chunk = new Uint8Array(64 * 1024);
    let pulled = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        if (pulled > 64) controller.close();
        else controller.enqueue(chunk);
      },
    });
    expect((await postRaw("/v1/auth/code", stream)).body.error.code).toBe("too_large");
    expect(pulled).toBeLessThan(20);
  });

  test("of the largest size allowed are read", async () => {
    const padded = `${JSON.stringify({ phone: freshPhone() })}${" ".repeat(limits.httpBodyBytesMax)}`;
    const exact = padded.slice(0, limits.httpBodyBytesMax);
    expect((await postRaw("/v1/auth/code", exact)).status).toBe(200);
  });
});

describe("paths", () => {
  test("under /v1 that are unknown, or known under another method, are not found", async () => {
    for (const [method, path] of [
      ["GET", "/v1/nothing"],
      ["GET", "/v1/"],
      ["GET", "/v1/auth/code"],
      ["DELETE", "/v1/health"],
      ["GET", "/v1/auth/code/more"],
    ] as const) {
      const answer = await call(path, { method });
      expect(answer, path).toMatchObject({ status: 404, body: errorBody("not_found") });
    }
  });

  test("health says which protocol is spoken, and every answer forbids caching and sniffing", async () => {
    const answer = await call("/v1/health");
    expect(answer.body).toEqual({ status: "ok", protocol: 1, environment: "development" });
    for (const { headers } of [answer, await call("/v1/nothing"), await call("/v1/account/devices")]) {
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
  });
});

describe("people", () => {
  test("are found by number, in the one spelling, by those who are logged in", async () => {
    const [one, other] = [await register(), await register()];
    const spaced = other.phone.replace("+1", "+1 ");
    const body = { phone: spaced };
    const answer = await call("/v1/directory/lookup", { token: one.access_token, body });
    expect(answer.body).toEqual({ user_id: other.user_id, phone: other.phone });
    expect((await call("/v1/directory/lookup", { body })).status).toBe(401);
    const unknown = await call("/v1/directory/lookup", {
      token: one.access_token,
      body: { phone: freshPhone() },
    });
    expect(unknown).toMatchObject({ status: 404, body: { error: { code: "unknown_user" } } });
  });

  test("who only asked for a code are not there yet", async () => {
    const one = await register();
    const phone = freshPhone();
    await call("/v1/auth/code", { body: { phone } });
    const answer = await call("/v1/directory/lookup", { token: one.access_token, body: { phone } });
    expect(answer.body.error.code).toBe("unknown_user");
  });

  test("have devices that others may list; asking for an unknown user stores nothing", async () => {
    const [one, other] = [await register(), await register()];
    const listed = await call(`/v1/users/${other.user_id}/devices`, { token: one.access_token });
    expect(listed.body).toEqual({ user_id: other.user_id, devices: [1] });
    const nobody = newUserId();
    const unknown = await call(`/v1/users/${nobody}/devices`, { token: one.access_token });
    expect(unknown).toMatchObject({ status: 404, body: errorBody("not_found") });
    expect((await call("/v1/users/x/devices", { token: one.access_token })).body).toEqual(
      errorBody("not_found"),
    );
    const isStored = await runInDurableObject(accountStub(env, nobody), (_, state) =>
      schemaExists(state.storage),
    );
    expect(isStored).toBe(false);
  });
});

describe("limits and failures", () => {
  test("one address asking too often is told to wait; another is not disturbed", async () => {
    const headers = { "cf-connecting-ip": "192.0.2.1" };
    const asked = [];
    for (let attempt = 0; attempt < 80; attempt += 1) {
      asked.push(await call("/v1/auth/refresh", { headers, body: { refresh_token: "x" } }));
    }
    const limited = asked.filter((answer) => answer.status === 429);
    expect(limited.length).toBeGreaterThan(0);
    expect(limited[0]?.body.error.code).toBe("rate_limited");
    expect(limited[0]?.headers.get("retry-after")).toBe("60");
    expect((await call("/v1/auth/refresh", { body: { refresh_token: "x" } })).status).toBe(401);
  });

  test("one device asking too often is told to wait", async () => {
    const device = await register();
    const limiter = { limit: vi.fn(async ({ key }: { key: string }) => ({ success: key === "nobody" })) };
    const request = new Request("https://kittiwake.test/v1/account/devices", {
      headers: { authorization: `Bearer ${device.access_token}` },
    });
    const answer = await answerOf(await app.fetch(request, { ...env, REQUEST_LIMITER: limiter }));
    expect(answer.body.error.code).toBe("rate_limited");
    expect(limiter.limit).toHaveBeenCalledWith({ key: `${device.user_id}.1` });
  });

  test("an unknown failure answers a request id and logs it, without what the failure said", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const broken = {
      getByName: () => {
        throw new Error("secret content");
      },
    };
    const device = await register();
    const request = new Request("https://kittiwake.test/v1/account/devices", {
      headers: { authorization: `Bearer ${device.access_token}` },
    });
    const answer = await answerOf(
      await app.fetch(request, { ...env, ACCOUNT: broken as unknown as typeof env.ACCOUNT }),
    );
    expect(answer).toMatchObject({ status: 500, body: { error: { code: "internal" } } });
    const line = String(logged.mock.calls[0]?.[0]);
    expect(line).toContain(answer.body.error.request_id);
    expect(line).not.toContain("secret content");
    expect(line).not.toContain(device.user_id);
    expect(JSON.stringify(answer.body)).not.toContain("secret content");
  });

  test("a missing secret fails every request with a sentence in the log only", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const request = new Request("https://kittiwake.test/v1/health");
    const { SERVER_SECRET: _, ...without } = env;
    const answer = await answerOf(await app.fetch(request, without));
    expect(answer.body.error.code).toBe("internal");
    expect(String(logged.mock.calls[0]?.[0])).toContain("SERVER_SECRET is not set");
  });
});
