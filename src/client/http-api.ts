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
    return await this.#authorised(tokens, (token) => this.#once(request, token));
  }

  /** Bytes as they are, under a hash that the caller knows. */
  async upload(path: string, bytes: Uint8Array, tokens: TokenSource): Promise<void> {
    const init = { method: "PUT", body: bytes.slice().buffer };
    const type = "application/octet-stream";
    await this.#authorised(tokens, (token) =>
      this.#answered(path, { ...init, ...this.#headers(token, type) }),
    );
  }
  async download(path: string, tokens: TokenSource): Promise<Uint8Array> {
    return await this.#authorised(tokens, async (token) => {
      const { bytes } = await this.#answered(path, { method: "GET", ...this.#headers(token, null) });
      return bytes;
    });
  }

  async #authorised<T>(tokens: TokenSource | null, ask: (token: string | null) => Promise<T>): Promise<T> {
    const token = tokens === null ? null : await tokens(null);
    try {
      return await ask(token);
    } catch (error) {
      if (tokens === null || !(error instanceof ProtocolError) || error.code !== "unauthorized") throw error;
      return await ask(await tokens(token));
    }
  }

  async #once<T>(request: HttpRequest<T>, token: string | null): Promise<T> {
    const { method, path, body, waitMs = 0 } = request;
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const init = { method, ...json, ...this.#headers(token, body === undefined ? null : "application/json") };
    const { bytes } = await this.#answered(path, init, waitMs);
    const answer = request.answer.safeParse(readJson(bytes));
    if (answer.success) return answer.data;
    throw new ConnectionError("The server's answer cannot be read. Update the app, or try again later.");
  }

  #headers(token: string | null, contentType: string | null): Pick<RequestInit, "headers" | "cache"> {
    const headers: Record<string, string> = { accept: "application/json" };
    if (token !== null) headers.authorization = `Bearer ${token}`;
    if (contentType !== null) headers["content-type"] = contentType;
    return { headers, cache: "no-store" };
  }

  async #answered(path: string, init: RequestInit, waitMs = 0): Promise<{ bytes: Uint8Array }> {
    const { status, bytes } = await this.#exchange(path, init, waitMs);
    if (status >= 200 && status < 300) return { bytes };
    const refusal = errorBodySchema.safeParse(readJson(bytes));
    // A proxy on the way answers in its own words: that says nothing about the request.
    if (!refusal.success) throw new ConnectionError();
    const { code, message: _, ...details } = refusal.data.error;
    throw new ProtocolError(code, details);
  }

  async #exchange(
    path: string,
    init: RequestInit,
    waitMs: number,
  ): Promise<{ status: number; bytes: Uint8Array }> {
    const abort = new AbortController();
    const timer = this.#environment.setTimer(limits.connectTimeoutMs + waitMs, () => abort.abort());
    try {
      const url = `${this.#base}/v1${path}`;
      const response = await this.#environment.fetch(url, { ...init, signal: abort.signal });
      return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
    } catch {
      throw new ConnectionError();
    } finally {
      this.#environment.clearTimer(timer);
    }
  }
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
