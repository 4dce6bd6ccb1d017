/**
 * The log-in of this device: its tokens, and the one refresh under way. The access token is refreshed shortly before
 * it expires or when the server turns it down; a refused refresh signs the device out, a revoked device is wiped.
 */
import { ProtocolError } from "../../protocol/errors.ts";
import { type Tokens, tokensSchema } from "../../protocol/http.ts";
import { limits } from "../../protocol/limits.ts";
import type { Environment } from "../environment.ts";
import type { HttpApi, HttpRequest } from "../http-api.ts";
import type { SessionRecord } from "../store/records.ts";

/** Refresh this long before the token expires, so that no request in flight meets its end. */
const refreshAheadMs = 60_000;

export type SignedOutReason = "revoked" | "signed_out";

export interface SessionKeeperOptions {
  api: HttpApi;
  environment: Environment;
  session: SessionRecord;
  /** Resolves when the new tokens are kept: the old refresh token is used up. */
  save(session: SessionRecord): Promise<void>;
  onSignedOut(reason: SignedOutReason): void;
}

export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  #session: SessionRecord;
  #refreshing: Promise<string> | null = null;
  #signedOut: SignedOutReason | null = null;

  constructor(options: SessionKeeperOptions) {
    this.#options = options;
    this.#session = options.session;
  }

  get session(): SessionRecord {
    return this.#session;
  }
  get signedOut(): SignedOutReason | null {
    return this.#signedOut;
  }

  /** A request in this device's name. */
  async call<T>(request: HttpRequest<T>): Promise<T> {
    return await this.#watched(this.#options.api.call(request, (refused) => this.accessToken(refused)));
  }
  async upload(path: string, bytes: Uint8Array): Promise<void> {
    await this.#watched(this.#options.api.upload(path, bytes, (refused) => this.accessToken(refused)));
  }
  async download(path: string): Promise<Uint8Array> {
    return await this.#watched(this.#options.api.download(path, (refused) => this.accessToken(refused)));
  }

  async #watched<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof ProtocolError && error.code === "revoked") this.#signOut("revoked");
      throw error;
    }
  }

  /** `refused`: the token just turned down. If another caller has already replaced it, the new one is given. */
  async accessToken(refused: string | null): Promise<string> {
    const { accessToken, accessExpiresAtMs } = this.#session;
    const isUsable =
      accessToken !== refused && accessExpiresAtMs - refreshAheadMs > this.#options.environment.now();
    if (isUsable) return accessToken;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return await this.#refreshing;
  }

  async #refresh(): Promise<string> {
    try {
      const tokens = await this.#options.api.call(
        {
          method: "POST",
          path: "/auth/refresh",
          body: { refresh_token: this.#session.refreshToken },
          answer: tokensSchema,
        },
        null,
      );
      this.#session = withTokens(this.#session, tokens, this.#options.environment.now());
      await this.#options.save(this.#session);
      return this.#session.accessToken;
    } catch (error) {
      if (error instanceof ProtocolError) {
        if (error.code === "revoked") this.#signOut("revoked");
        if (error.code === "unauthorized" || error.code === "not_found") this.#signOut("signed_out");
      }
      throw error;
    }
  }

  #signOut(reason: SignedOutReason): void {
    if (this.#signedOut !== null) return;
    this.#signedOut = reason;
    this.#options.onSignedOut(reason);
  }
}

/** Expiry by this device's clock, from the known lifetime: a wrong clock must not make every token look expired. */
export function withTokens<S extends object>(session: S, tokens: Tokens, nowMs: number) {
  return {
    ...session,
    userId: tokens.user_id,
    deviceId: tokens.device_id,
    accessToken: tokens.access_token,
    accessExpiresAtMs: nowMs + limits.accessTokenLifetimeSeconds * 1000,
    refreshToken: tokens.refresh_token,
  };
}
