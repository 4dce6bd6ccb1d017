/** What the access tests do over and over: call a route, ask for a code, register a device. */
import { exports } from "cloudflare:workers";
import { expect } from "vitest";
import type { Tokens } from "../../src/protocol/http.ts";

export interface CallOptions {
  method?: string;
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
}
export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  body: any;
  headers: Headers;
}

/** Each call comes from an address of its own unless it names one, so that the limiters stay out of the way. */
export async function call(path: string, options: CallOptions = {}): Promise<Answer> {
  const headers = new Headers({ "cf-connecting-ip": crypto.randomUUID(), ...options.headers });
  if (options.token !== undefined) headers.set("authorization", `Bearer ${options.token}`);
  const body = options.body === undefined ? null : JSON.stringify(options.body);
  const method = options.method ?? (body === null ? "GET" : "POST");
  return await answerOf(
    await exports.default.fetch(`https://kittiwake.test${path}`, { method, headers, body }),
  );
}

export async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, body: await response.json(), headers: response.headers };
}

let phones = 1_000_000;
export function freshPhone(): string {
  phones += 1;
  return `+1415${phones}`;
}

export async function askCode(phone: string): Promise<string> {
  const asked = await call("/v1/auth/code", { body: { phone } });
  expect(asked.status).toBe(200);
  return asked.body.development_code;
}

export function verification(phone: string, code: string, installationId: string = crypto.randomUUID()) {
  return { phone, code, installation_id: installationId, device_name: "Test device" };
}

export async function verify(phone: string, code: string, installationId?: string): Promise<Answer> {
  return await call("/v1/auth/verify", { body: verification(phone, code, installationId) });
}

/** Registers the first device of a new number. */
export async function register(
  phone: string = freshPhone(),
): Promise<Tokens & { phone: string; code: string }> {
  const code = await askCode(phone);
  const verified = await verify(phone, code);
  expect(verified.status).toBe(200);
  return { ...verified.body, phone, code };
}

export function wrong(code: string): string {
  return code === "111111" ? "222222" : "111111";
}
