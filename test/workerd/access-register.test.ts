/** Registering: codes, their bounds, devices, and the Inbox being told of them. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Inbox } from "../../durable/inbox/inbox.ts";
import { accountStub } from "../../durable/names.ts";
import { keyedHash, serverKey } from "../../src/edge/keys.ts";
import { tokensSchema } from "../../src/protocol/http.ts";
import { limits } from "../../src/protocol/limits.ts";
import { askCode, call, freshPhone, register, verify, wrong } from "./access-client.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The clock of the whole isolate, objects included. */
function passMs(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

describe("registering", () => {
  test("a right code gives a user, device 1 and both tokens", async () => {
    const phone = freshPhone();
    const verified = await verify(phone, await askCode(phone));
    expect(verified.status).toBe(200);
    const tokens = tokensSchema.parse(verified.body);
    expect(tokens.device_id).toBe(1);
    expect(tokens.access_expires_at).toBeGreaterThan(Date.now());
  });

  test("a number is one person however it is written", async () => {
    const phone = freshPhone();
    const first = await verify(phone, await askCode(phone));
    passMs(limits.codeSendIntervalMs);
    const spaced = `${phone.slice(0, 2)} (${phone.slice(2, 5)}) ${phone.slice(5)}`;
    const second = await verify(spaced, await askCode(spaced));
    expect(second.body.user_id).toBe(first.body.user_id);
  });

  test("another installation becomes a second device of the same user", async () => {
    const first = await register();
    passMs(limits.codeSendIntervalMs);
    const second = await verify(first.phone, await askCode(first.phone));
    expect(second.body).toMatchObject({ user_id: first.user_id, device_id: 2 });
  });

  test("the same installation asking twice, its answer lost, gets the same device", async () => {
    const phone = freshPhone();
    const code = await askCode(phone);
    const installation = crypto.randomUUID();
    const first = await verify(phone, code, installation);
    const again = await verify(phone, code, installation);
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({ user_id: first.body.user_id, device_id: first.body.device_id });
  });

  test("a used code is worth nothing to another installation", async () => {
    const first = await register();
    const stolen = await verify(first.phone, first.code);
    expect(stolen.body.error.code).toBe("code_expired");
  });

  test("two first registrations at once end in one user", async () => {
    const phone = freshPhone();
    const code = await askCode(phone);
    const installation = crypto.randomUUID();
    const answers = await Promise.all(Array.from({ length: 8 }, () => verify(phone, code, installation)));
    expect(new Set(answers.map((answer) => answer.body.user_id)).size).toBe(1);
    expect(new Set(answers.map((answer) => answer.body.device_id))).toEqual(new Set([1]));
  });

  test("a sixth device is refused until one is logged out, and its number is not given again", async () => {
    const first = await register();
    for (let device = 2; device <= limits.devicesPerUserMax; device += 1) {
      passMs(60 * 60_000);
      expect((await verify(first.phone, await askCode(first.phone))).body.device_id).toBe(device);
    }
    passMs(60 * 60_000);
    const code = await askCode(first.phone);
    const installation = crypto.randomUUID();
    const sixth = await verify(first.phone, code, installation);
    expect(sixth.body.error.code).toBe("device_limit");
    const account = accountStub(env, first.user_id);
    expect(await account.revokeDevice(1, 5)).toBeNull();
    expect((await verify(first.phone, code, installation)).body.device_id).toBe(6);
  });

  test("a device that outlived its refresh token makes room", async () => {
    const first = await register();
    const installation = { name: "Test", installation_id: crypto.randomUUID() };
    const account = accountStub(env, first.user_id);
    for (let device = 2; device <= limits.devicesPerUserMax; device += 1) {
      await account.addDevice({ ...installation, installation_id: crypto.randomUUID() });
    }
    passMs(limits.refreshTokenLifetimeMs + 1);
    expect(await account.addDevice(installation)).toMatchObject({ device_id: 6 });
    expect(await account.activeDevices()).toEqual([6]);
  });
});

describe("codes", () => {
  test("a wrong code is refused and the right one still works", async () => {
    const phone = freshPhone();
    const code = await askCode(phone);
    const refused = await verify(phone, wrong(code));
    expect(refused).toMatchObject({ status: 403, body: { error: { code: "wrong_code" } } });
    expect((await verify(phone, code)).status).toBe(200);
  });

  test("after five wrong codes the right one is refused too", async () => {
    const phone = freshPhone();
    const code = await askCode(phone);
    for (let attempt = 0; attempt < limits.codeAttemptsMax; attempt += 1) {
      expect((await verify(phone, wrong(code))).body.error.code).toBe("wrong_code");
    }
    expect((await verify(phone, code)).body.error.code).toBe("too_many_attempts");
  });

  test("wrong codes sent all at once are counted one by one", async () => {
    const phone = freshPhone();
    const code = await askCode(phone);
    const answers = await Promise.all(Array.from({ length: 12 }, () => verify(phone, wrong(code))));
    const codes = answers.map((answer) => answer.body.error.code);
    expect(codes.filter((each) => each === "wrong_code")).toHaveLength(limits.codeAttemptsMax);
    expect(codes.filter((each) => each === "too_many_attempts")).toHaveLength(12 - limits.codeAttemptsMax);
  });

  test("a code expires", async () => {
    const phone = freshPhone();
    const code = await askCode(phone);
    passMs(limits.codeLifetimeMs);
    expect((await verify(phone, code)).body.error.code).toBe("code_expired");
  });

  test("a number that was sent no code has none to verify", async () => {
    expect((await verify(freshPhone(), "123456")).body.error.code).toBe("code_expired");
  });

  test("a second code within half a minute is refused with the time to wait", async () => {
    const phone = freshPhone();
    await askCode(phone);
    passMs(10_000);
    const again = await call("/v1/auth/code", { body: { phone } });
    expect(again).toMatchObject({
      status: 429,
      body: { error: { code: "too_many_codes", retry_after_ms: 20_000 } },
    });
    expect(again.headers.get("retry-after")).toBe("20");
  });

  test("a sixth code within the hour is refused, and allowed when the hour is over", async () => {
    const phone = freshPhone();
    for (let sent = 0; sent < limits.codeSendsPerHourMax; sent += 1) {
      await askCode(phone);
      passMs(60_000);
    }
    const sixth = await call("/v1/auth/code", { body: { phone } });
    expect(sixth.body.error).toMatchObject({ code: "too_many_codes", retry_after_ms: 55 * 60_000 });
    passMs(55 * 60_000);
    await askCode(phone);
  });

  test("what is not a phone number is refused", async () => {
    for (const phone of [
      "",
      "hello",
      "4155550123",
      "+1",
      "+1415555012345678",
      "call +14155550123",
      "+14155550123 ext 4",
    ]) {
      const refused = await call("/v1/auth/code", { body: { phone } });
      expect(refused, phone).toMatchObject({ status: 400, body: { error: { code: "bad_phone" } } });
    }
  });
});

describe("the Directory", () => {
  async function storedUnder(phone: string): Promise<{ keys: string[]; directory: DurableObjectStub }> {
    const key = await serverKey(env.SERVER_SECRET ?? "", "phone");
    const directory = env.DIRECTORY.getByName(await keyedHash(key, phone));
    const keys = await runInDurableObject(directory, async (_, state) => [
      ...(await state.storage.list()).keys(),
    ]);
    return { keys, directory };
  }

  test("stores nothing for a number that was only guessed at", async () => {
    const one = await register();
    const phone = freshPhone();
    await verify(phone, "123456");
    await call("/v1/directory/lookup", { token: one.access_token, body: { phone } });
    expect((await storedUnder(phone)).keys).toEqual([]);
  });

  test("forgets a number an hour after its last code, unless somebody registered it", async () => {
    const registered = (await register()).phone;
    const phone = freshPhone();
    await askCode(phone);
    expect((await storedUnder(phone)).keys).toEqual(["data"]);
    passMs(60 * 60_000);
    expect(await runDurableObjectAlarm((await storedUnder(phone)).directory)).toBe(true);
    expect((await storedUnder(phone)).keys).toEqual([]);
    expect(await runDurableObjectAlarm((await storedUnder(registered)).directory)).toBe(true);
    expect((await storedUnder(registered)).keys).toEqual(["data"]);
  });

  test("keeps its holder when it is evicted from memory", async () => {
    const one = await register();
    await evictDurableObject((await storedUnder(one.phone)).directory);
    const found = await call("/v1/directory/lookup", { token: one.access_token, body: { phone: one.phone } });
    expect(found.body.user_id).toBe(one.user_id);
  });

  test("holds no phone number in clear", async () => {
    const one = await register();
    const { directory } = await storedUnder(one.phone);
    const stored = await runInDurableObject(directory, async (_, state) =>
      JSON.stringify([...(await state.storage.list())]),
    );
    expect(stored).not.toContain(one.phone.slice(2));
    expect(stored).not.toContain(one.code);
  });
});

describe("the Inbox", () => {
  test("learns of a device before the device gets its tokens", async () => {
    const told = vi.spyOn(Inbox.prototype, "addDevice");
    await register();
    expect(told).toHaveBeenCalledExactlyOnceWith(1);
  });

  test("that cannot be reached fails the registration, and repeating it links the same device", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    vi.spyOn(Inbox.prototype, "addDevice").mockRejectedValueOnce(new Error("planted"));
    const phone = freshPhone();
    const code = await askCode(phone);
    const installation = crypto.randomUUID();
    const failed = await verify(phone, code, installation);
    expect(failed).toMatchObject({ status: 503, body: { error: { code: "busy" } } });
    expect((await verify(phone, code, installation)).body.device_id).toBe(1);
  });

  test("that missed a logout is told again by the Account's alarm, until it knows", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const device = await register();
    const account = accountStub(env, device.user_id);
    const told = vi.spyOn(Inbox.prototype, "revokeDevice");
    told.mockRejectedValueOnce(new Error("planted")).mockRejectedValueOnce(new Error("planted"));
    expect((await call("/v1/auth/logout", { method: "POST", token: device.access_token })).status).toBe(200);
    expect(await runDurableObjectAlarm(account)).toBe(true);
    expect(await runDurableObjectAlarm(account)).toBe(true);
    expect(told).toHaveBeenCalledTimes(3);
    expect(await runInDurableObject(account, (_, state) => state.storage.getAlarm())).toBeNull();
  });
});
