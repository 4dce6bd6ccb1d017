/**
 * Every code a socket of ours closes with, and what the client does next. [F11]
 * `resume`: connect again at once · `backoff`: with full jitter · `refresh`: new access token first · `stop`: do not.
 * Codes that are not in this table (1001, 1006, 1012 …) mean a cut connection: `backoff`.
 */
export const closeCodes = {
  /** The frame was not JSON, not text, or not an array of frames. A bug of the client: it backs off. */
  badFrame: { code: 4400, reconnect: "backoff", reason: "bad frame" },
  unauthorized: { code: 4401, reconnect: "refresh", reason: "unauthorized" },
  /** The device was logged out; its store is to be wiped. */
  revoked: { code: 4403, reconnect: "stop", reason: "revoked" },
  notFound: { code: 4404, reconnect: "stop", reason: "not found" },
  /** A newer connection of the same device took over [D5]. */
  replaced: { code: 4409, reconnect: "stop", reason: "replaced" },
  /** The device did not acknowledge in time, or its log was replaced: resume from its own position [F6]. */
  resume: { code: 4410, reconnect: "resume", reason: "resume" },
  tooLarge: { code: 4413, reconnect: "backoff", reason: "too large" },
  unsupportedVersion: { code: 4426, reconnect: "stop", reason: "unsupported version" },
  busy: { code: 4429, reconnect: "backoff", reason: "busy" },
  internal: { code: 4500, reconnect: "backoff", reason: "internal" },
} as const;

export type CloseName = keyof typeof closeCodes;
export type ReconnectPolicy = "resume" | "backoff" | "refresh" | "stop";

export function reconnectPolicy(code: number): ReconnectPolicy {
  const known = Object.values(closeCodes).find((entry) => entry.code === code);
  return known?.reconnect ?? "backoff";
}
