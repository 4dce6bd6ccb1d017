/**
 * [L5] When server and device disagree on a position, the device shows its own, with the MAC, in the hello of the
 * chat's socket: only there can the Conversation find that its log was restored. The socket is opened for it if needed.
 */
import { limits } from "../../protocol/limits.ts";
import type { Environment, Timer } from "../environment.ts";

interface Claim {
  done: Promise<void>;
  finish(): void;
  timer: Timer;
}

export class PositionClaims {
  readonly #environment: Environment;
  readonly #openChat: (conversationId: string) => () => void;
  readonly #claims = new Map<string, Claim>();
  constructor(environment: Environment, openChat: (conversationId: string) => () => void) {
    this.#environment = environment;
    this.#openChat = openChat;
  }

  /** Resolves when the Conversation has answered, or after a while without an answer. */
  claim(conversationId: string): Promise<void> {
    const known = this.#claims.get(conversationId);
    if (known !== undefined) return known.done;
    let finish = () => {};
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const timer = this.#environment.setTimer(limits.connectTimeoutMs, () => this.answered(conversationId));
    const close = this.#openChat(conversationId);
    this.#claims.set(conversationId, {
      done,
      timer,
      finish: () => {
        close();
        finish();
      },
    });
    return done;
  }

  answered(conversationId: string): void {
    const claim = this.#claims.get(conversationId);
    if (claim === undefined) return;
    this.#claims.delete(conversationId);
    this.#environment.clearTimer(claim.timer);
    claim.finish();
  }

  stop(): void {
    for (const conversationId of [...this.#claims.keys()]) this.answered(conversationId);
  }
}
