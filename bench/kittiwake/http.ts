/** The HTTP calls that make users and chats, as any client would make them. */
import { randomBytes, randomUUID } from "node:crypto";
import type { z } from "zod";
import { type ConversationState, conversationStateSchema } from "../../src/protocol/entry.ts";
import { codeAnswerSchema, type Tokens, tokensSchema } from "../../src/protocol/http.ts";
import { directConversationId } from "../../src/protocol/ids.ts";
import { numbered } from "../numbered-ids.ts";
import { foundingRequest } from "./founding.ts";

interface Call<T> {
  method: "POST" | "PUT";
  path: string;
  body: unknown;
  headers: Record<string, string>;
  answer: z.ZodType<T>;
}

/** Registers the first device of a new user. Needs the development environment, which tells the code. */
export async function register(base: string, phone: string): Promise<Tokens> {
  // Routes for nobody in particular are limited by address. Behind Cloudflare this header tells it; here, we do.
  const headers = { "cf-connecting-ip": randomUUID() };
  const path = "/v1/auth/code";
  const { development_code: code } = await call(base, {
    method: "POST",
    path,
    body: { phone },
    headers,
    answer: codeAnswerSchema,
  });
  if (code === undefined) throw new Error("the server does not run in development: it told no code");
  const body = { phone, code, installation_id: randomUUID(), device_name: "Benchmark" };
  return await call(base, { method: "POST", path: "/v1/auth/verify", body, headers, answer: tokensSchema });
}

/** Founds the direct chat of two users who have one device each. */
export async function foundChat(base: string, founder: Tokens, other: Tokens): Promise<ConversationState> {
  const id = await directConversationId(founder.user_id, other.user_id);
  const refOf = ({ user_id, device_id }: Tokens) => ({ user_id, device_id });
  const body = await foundingRequest(id, numbered(messageIdPrefix(), 0), [refOf(founder), refOf(other)]);
  const headers = { authorization: `Bearer ${founder.access_token}` };
  return await call(base, {
    method: "PUT",
    path: `/v1/conversations/${id}`,
    body,
    headers,
    answer: conversationStateSchema,
  });
}

/** UUIDv7s of the present, but for the last twelve hex digits: those are a number we choose. */
export function messageIdPrefix(): string {
  const time = Date.now().toString(16).padStart(12, "0");
  const random = randomBytes(3).toString("hex");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-8${random.slice(3)}-`;
}

async function call<T>(base: string, { method, path, body, headers, answer }: Call<T>): Promise<T> {
  const response = await fetch(base + path, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`);
  return answer.parse(JSON.parse(text));
}
