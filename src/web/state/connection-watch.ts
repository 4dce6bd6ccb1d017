/**
 * Tells when the connection has been away for long enough to be worth a banner [F11]: a short interruption, as every
 * deploy makes one, is never shown.
 */
import type { ConnectionState } from "../../client/contract.ts";
import { limits } from "../../protocol/limits.ts";
import type { Platform } from "./platform.ts";

/**
 * `idle` and `signed_out` are no trouble: nothing is being tried, so nothing is missing. A network that the browser
 * says is down is trouble before the socket has noticed, which takes a ping and its deadline.
 */
function isInTrouble(state: ConnectionState, isNetworkUp: boolean): boolean {
  if (state.status === "signed_out") return false;
  if (!isNetworkUp) return true;
  const status = state.status === "following" ? state.leader : state.status;
  return status === "connecting" || status === "resuming" || status === "waiting";
}

export interface ConnectionWatch {
  note(state: ConnectionState, isNetworkUp: boolean): void;
  stop(): void;
}

export function createConnectionWatch(
  platform: Platform,
  onAway: (isAway: boolean) => void,
): ConnectionWatch {
  let cancel: (() => void) | null = null;
  const stop = (): void => {
    cancel?.();
    cancel = null;
  };
  return {
    note(state, isNetworkUp) {
      if (!isInTrouble(state, isNetworkUp)) {
        stop();
        onAway(false);
      } else {
        // Runs on through further states of trouble: the grace counts from the loss.
        cancel ??= platform.after(limits.offlineGraceMs, () => onAway(true));
      }
    },
    stop,
  };
}

export type Banner =
  | { kind: "offline" | "reconnecting" | "catching_up" }
  | { kind: "replaced" | "unsupported_version" };

/** What the banner says, or null for none. A revoked device sees the login instead. */
export function bannerOf(connection: ConnectionState, isAway: boolean, isNetworkUp: boolean): Banner | null {
  if (connection.status === "stopped") {
    return connection.reason === "revoked" ? null : { kind: connection.reason };
  }
  if (!isAway) return null;
  if (!isNetworkUp) return { kind: "offline" };
  const status = connection.status === "following" ? connection.leader : connection.status;
  return { kind: status === "resuming" ? "catching_up" : "reconnecting" };
}
