/** What leaves for a code service, checked as its receiver would check it. */
import { createHmac } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { post } from "../../../src/edge/code-sender/post.ts";
import { webhookSender } from "../../../src/edge/code-sender/webhook.ts";
import { limits } from "../../../src/protocol/limits.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const webhook = { url: "https://codes.example/send", secret: "s".repeat(32) };

test("a webhook's signature covers the time and the body, under the shared secret", async () => {
  const fetched = vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("ok"));
  const sender = webhookSender(webhook);
  expect(await sender.send("+14155550123", "042042")).toEqual({});
  const [url, init] = fetched.mock.calls[0] ?? [];
  const headers = new Headers(init?.headers);
  const body = String(init?.body);
  expect(url).toBe(webhook.url);
  expect(JSON.parse(body)).toEqual({ phone: "+14155550123", code: "042042" });
  const timestamp = headers.get("kittiwake-timestamp");
  expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(5);
  const expected = createHmac("sha256", webhook.secret).update(`${timestamp}.${body}`).digest("hex");
  expect(headers.get("kittiwake-signature")).toBe(`v1=${expected}`);
});

test("a service that does not answer is given up in bounded time", async () => {
  vi.useFakeTimers();
  vi.spyOn(globalThis, "fetch").mockImplementation(
    async (_, init) =>
      await new Promise((_resolve, reject) => {
        init?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
      }),
  );
  const sending = expect(post(webhook.url, {}, "")).rejects.toMatchObject({ code: "code_not_sent" });
  await vi.advanceTimersByTimeAsync(limits.codeSendTimeoutMs);
  await sending;
});
