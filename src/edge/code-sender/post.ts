/** One POST to a code service: bounded in time, its answer bounded in size by reading only what is needed. */
import { ProtocolError } from "../../protocol/errors.ts";
import { limits } from "../../protocol/limits.ts";

/** Throws `code_not_sent` if there is no answer in time. */
export async function post(url: string, headers: Record<string, string>, body: string): Promise<Response> {
  // A timer that is cleared, not AbortSignal.timeout: that one stays armed after the answer and is billed.
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), limits.codeSendTimeoutMs);
  try {
    return await fetch(url, { method: "POST", headers, body, signal: abort.signal, redirect: "manual" });
  } catch {
    throw new ProtocolError("code_not_sent");
  } finally {
    clearTimeout(timer);
  }
}
