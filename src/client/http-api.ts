/**
 * HTTP to `/v1`: one place that sends, times out, parses and turns error bodies into `ProtocolError`.
 * An access token that is refused is refreshed once and the request repeated; what that cannot mend is the caller's.
 */
import { z } from "zod";
import { errorBodySchema, ProtocolError } from "../protocol/errors.ts";
import { limits } from "../protocol/limits.ts";
import { ConnectionError } from "./connection-error.ts";
import type { Environment } from "./environment.ts";

export interface HttpRequest<T> {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Under `/v1`, with a leading slash. */
  path: string;
  body?: unknown;
  answer: z.ZodType<T>;
  /** How long the server may take on purpose (long poll). */
  waitMs?: number;
}

/** Gives the token to send; `refused` is the one that the server just turned down. */
export type TokenSource = (refused: string | null) => Promise<string>;

export const emptyAnswerSchema = z.object({});

export class HttpApi {
  readonly #base: string;
  readonly #environment: Environment;
  constructor(base: string, environment: Environment) {
    this.#base = base.replace(/\/$/, "");
    this.#environment = environment;
  }

  socketUrl(path: string): string {
    return `${this.#base.replace(/^http/, "ws")}/v1${path}`;
  }

  async call<T>(request: HttpRequest<T>, tokens: TokenSource | null): Promise<T> {
    const token = tokens === null ? null : await tokens(null);
    try {
      return await this.#once(request, token);
    } catch (error) {
      if (tokens === null || !(error instanceof ProtocolError) || error.code !== "unauthorized") throw error;
      return await this.#once(request, await tokens(token));
    }
  }

  async #once<T>(request: HttpRequest<T>, token: string | null): Promise<T> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (token !== null) headers.authorization = `Bearer ${token}`;
    const init: RequestInit = { method: request.method, headers, cache: "no-store" };
    if (request.body !== undefined) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(request.body);
    }
    const { status, json } = await this.#exchange(request, init);
    if (status >= 200 && status < 300) {
      const answer = request.answer.safeParse(json);
      if (answer.success) return answer.data;
      throw new ConnectionError("The server's answer cannot be read. Update the app, or try again later.");
    }
    const refusal = errorBodySchema.safeParse(json);
    // A proxy on the way answers in its own words: that says nothing about the request.
    if (!refusal.success) throw new ConnectionError();
    const { code, message: _, ...details } = refusal.data.error;
    throw new ProtocolError(code, details);
  }

  async #exchange(
    request: HttpRequest<unknown>,
    init: RequestInit,
  ): Promise<{ status: number; json: unknown }> {
    const abort = new AbortController();
    const timer = this.#environment.setTimer(limits.connectTimeoutMs + (request.waitMs ?? 0), () =>
      abort.abort(),
    );
    try {
      const url = `${this.#base}/v1${request.path}`;
      const response = await this.#environment.fetch(url, { ...init, signal: abort.signal });
      const text = await response.text();
      return { status: response.status, json: readJson(text) };
    } catch {
      throw new ConnectionError();
    } finally {
      this.#environment.clearTimer(timer);
    }
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
