/**
 * Calls from this tab to the one that leads. A call stays until it is answered: it is repeated to a new leader, and
 * done here if that is this tab. Repeating is safe: a message carries its id, everything else may happen twice.
 */
import { ConnectionError } from "../connection-error.ts";
import type { Environment, Timer } from "../environment.ts";
import { errorFrom, type Failure, type Method, type TabMessage } from "./tab-messages.ts";

const answerTimeoutMs = 60_000;

interface Call {
  method: Method;
  values: unknown[];
  resolve(value: unknown): void;
  reject(error: unknown): void;
  timer: Timer | null;
}

export class RemoteCalls {
  readonly #environment: Environment;
  readonly #post: (message: TabMessage) => void;
  readonly #calls = new Map<string, Call>();
  constructor(environment: Environment, post: (message: TabMessage) => void) {
    this.#environment = environment;
    this.#post = post;
  }

  call(method: Method, values: unknown[]): Promise<unknown> {
    const id = this.#environment.newMessageId(this.#environment.now());
    return new Promise((resolve, reject) => {
      // A message must not be given up: whoever wrote it would write it again, and it would be there twice.
      const timer =
        method === "write" ? null : this.#environment.setTimer(answerTimeoutMs, () => this.#timeOut(id));
      this.#calls.set(id, { method, values, resolve, reject, timer });
      this.#post({ type: "call", id, method, values, isRepeat: false });
    });
  }

  /** A new leader does not know what the one before left undone. */
  repeat(): void {
    for (const [id, { method, values }] of this.#calls)
      this.#post({ type: "call", id, method, values, isRepeat: true });
  }

  /** This tab leads now. */
  doHere(run: (method: Method, values: unknown[]) => Promise<unknown>): void {
    for (const [id, call] of this.#calls) {
      this.#forget(id);
      run(call.method, call.values).then(call.resolve, call.reject);
    }
  }

  answered(id: string, value: unknown, failure: Failure | undefined): void {
    const call = this.#forget(id);
    if (failure === undefined) call?.resolve(value);
    else call?.reject(errorFrom(failure));
  }

  /** This tab has no log-in any more: whoever asked for that has what they wanted. */
  endAll(): void {
    for (const id of [...this.#calls.keys()]) {
      const call = this.#forget(id);
      if (call?.method === "logOut") call.resolve(undefined);
      else call?.reject(new ConnectionError());
    }
  }

  #timeOut(id: string): void {
    this.#forget(id)?.reject(
      new ConnectionError(
        "The tab that holds the connection does not answer. Close the other tabs and try again.",
      ),
    );
  }

  #forget(id: string): Call | undefined {
    const call = this.#calls.get(id);
    if (call !== undefined && call.timer !== null) this.#environment.clearTimer(call.timer);
    this.#calls.delete(id);
    return call;
  }
}
