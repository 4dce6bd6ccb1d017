/** Registering through the code senders of production, against fakes of the services behind them. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Bindings } from "../../src/config.ts";
import { app } from "../../src/edge/app.ts";
import { type Answer, answerOf, freshPhone, verification, wrong } from "./access-client.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

async function post(settings: Partial<Bindings>, path: string, body: unknown): Promise<Answer> {
  const request = new Request(`https://kittiwake.test${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "cf-connecting-ip": crypto.randomUUID() },
  });
  return await answerOf(await app.fetch(request, { ...env, ...settings }));
}

describe("the webhook", () => {
  const settings = {
    ENVIRONMENT: "production",
    CODE_SENDER: "webhook",
    CODE_WEBHOOK_URL: "https://codes.example/send",
    CODE_WEBHOOK_SECRET: "w".repeat(32),
  };

  test("gets the code, the answer does not, and the code registers", async () => {
    let code = "";
    vi.spyOn(globalThis, "fetch").mockImplementation(async (_, init) => {
      code = JSON.parse(String(init?.body)).code;
      return new Response("ok");
    });
    const phone = freshPhone();
    const asked = await post(settings, "/v1/auth/code", { phone });
    expect(asked.body).toEqual({ expires_in_seconds: 600 });
    expect(code).toMatch(/^\d{6}$/);
    expect((await post(settings, "/v1/auth/verify", verification(phone, code))).status).toBe(200);
  });

  test("failing in any way is told as a code that was not sent", async () => {
    for (const fail of [
      async () => new Response("no", { status: 500 }),
      async () => new Response(null, { status: 302, headers: { location: "https://elsewhere.example" } }),
      async () => await Promise.reject(new TypeError("unreachable")),
    ]) {
      vi.spyOn(globalThis, "fetch").mockImplementation(fail);
      const asked = await post(settings, "/v1/auth/code", { phone: freshPhone() });
      expect(asked).toMatchObject({ status: 502, body: { error: { code: "code_not_sent" } } });
    }
  });
});

describe("Twilio Verify", () => {
  const settings = {
    ENVIRONMENT: "production",
    CODE_SENDER: "twilio",
    TWILIO_ACCOUNT_SID: "AC1",
    TWILIO_AUTH_TOKEN: "token",
    TWILIO_VERIFY_SERVICE_SID: "VA1",
  };
  const rightCode = "314159";

  /** Remembers what was asked and approves one code, once, as Twilio does. */
  function fakeTwilio() {
    const asked: { url: string; form: Record<string, string>; authorization: string | null }[] = [];
    let isPending = true;
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      const form = Object.fromEntries(new URLSearchParams(String(init?.body)));
      asked.push({
        url: String(input),
        form,
        authorization: new Headers(init?.headers).get("authorization"),
      });
      if (!String(input).endsWith("/VerificationCheck"))
        return Response.json({ status: "pending" }, { status: 201 });
      if (!isPending) return Response.json({ code: 20404 }, { status: 404 });
      if (form.Code !== rightCode) return Response.json({ status: "pending" });
      isPending = false;
      return Response.json({ status: "approved" });
    });
    return asked;
  }

  test("sends and checks the code; a repeated verification is answered without asking it again", async () => {
    const asked = fakeTwilio();
    const phone = freshPhone();
    expect((await post(settings, "/v1/auth/code", { phone })).body).toEqual({ expires_in_seconds: 600 });
    expect(asked[0]).toEqual({
      url: "https://verify.twilio.com/v2/Services/VA1/Verifications",
      form: { To: phone, Channel: "sms" },
      authorization: `Basic ${btoa("AC1:token")}`,
    });
    expect((await post(settings, "/v1/auth/verify", verification(phone, "000000"))).body.error.code).toBe(
      "wrong_code",
    );
    const body = verification(phone, rightCode);
    const first = await post(settings, "/v1/auth/verify", body);
    expect(first.status).toBe(200);
    expect(asked).toHaveLength(3);
    const again = await post(settings, "/v1/auth/verify", body);
    expect(again.body).toMatchObject({ user_id: first.body.user_id, device_id: 1 });
    expect(asked).toHaveLength(3);
    const other = await post(settings, "/v1/auth/verify", verification(phone, rightCode));
    expect(other.body.error.code).toBe("code_expired");
  });

  test("is asked five times at most, and the next code is sent no sooner than ours would be", async () => {
    const asked = fakeTwilio();
    const phone = freshPhone();
    await post(settings, "/v1/auth/code", { phone });
    expect((await post(settings, "/v1/auth/code", { phone })).body.error.code).toBe("too_many_codes");
    const codes = [];
    for (let attempt = 0; attempt < 7; attempt += 1) {
      codes.push(
        (await post(settings, "/v1/auth/verify", verification(phone, wrong(rightCode)))).body.error.code,
      );
    }
    expect(codes).toEqual([...Array(5).fill("wrong_code"), "too_many_attempts", "too_many_attempts"]);
    expect(asked).toHaveLength(6);
  });

  test("refusing is told as what it means", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const answers: [number, string][] = [
      [429, "too_many_codes"],
      [400, "code_not_sent"],
      [503, "code_not_sent"],
    ];
    for (const [status, code] of answers) {
      vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("{}", { status }));
      expect((await post(settings, "/v1/auth/code", { phone: freshPhone() })).body.error.code).toBe(code);
    }
    const checks: [number, string][] = [
      [404, "code_expired"],
      [429, "too_many_attempts"],
      [503, "internal"],
    ];
    for (const [status, code] of checks) {
      fakeTwilio();
      const phone = freshPhone();
      await post(settings, "/v1/auth/code", { phone });
      vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("{}", { status }));
      const answer = await post(settings, "/v1/auth/verify", verification(phone, rightCode));
      expect(answer.body.error.code).toBe(code);
    }
  });
});
