/**
 * The connection as people see it. [F11] A connection that drops and comes back within the grace period was never
 * gone: deploys and moves cut sockets all day, and nobody should hear of it.
 */
import { limits } from "../../protocol/limits.ts";
import type { ConnectionState } from "../contract.ts";
import type { Environment, Timer } from "../environment.ts";
import type { LinkState } from "./state.ts";

export class ShownState {
  readonly #environment: Environment;
  readonly #onChange: (state: ConnectionState) => void;
  #shown: ConnectionState = { status: "signed_out" };
  #actual: ConnectionState = this.#shown;
  #timer: Timer | null = null;
  constructor(environment: Environment, onChange: (state: ConnectionState) => void) {
    this.#environment = environment;
    this.#onChange = onChange;
  }

  get shown(): ConnectionState {
    return this.#shown;
  }

  set(state: ConnectionState): void {
    this.#actual = state;
    const isLost = ["connecting", "resuming", "waiting"].includes(state.status);
    if (this.#shown.status === "live" && isLost) {
      this.#timer ??= this.#environment.setTimer(limits.offlineGraceMs, () => {
        this.#timer = null;
        this.#show(this.#actual);
      });
      return;
    }
    this.stop();
    this.#show(state);
  }

  stop(): void {
    if (this.#timer !== null) this.#environment.clearTimer(this.#timer);
    this.#timer = null;
  }

  #show(state: ConnectionState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#shown)) return;
    this.#shown = state;
    this.#onChange(state);
  }
}

/** Where sockets are blocked and polling works, the device is as live as it gets. */
export function connectionStateOf(link: LinkState, isPolling: boolean): ConnectionState {
  if (isPolling && (link.status === "connecting" || link.status === "waiting")) return { status: "live" };
  switch (link.status) {
    case "connecting":
      return { status: "connecting", attempt: link.attempt };
    case "resuming":
      return { status: "resuming" };
    case "stopped":
      return link.reason === "signed_out" || link.reason === "not_found"
        ? { status: "signed_out" }
        : { status: "stopped", reason: link.reason };
    default:
      return link;
  }
}
