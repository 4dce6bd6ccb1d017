/** One POST to a code service, answer included bounded in time. */
import { ProtocolError } from "../../protocol/errors.ts";
import { limits } from "../../protocol/limits.ts";

export interface PostAnswer {
  status: number;
  ok: boolean;
  text: string;
}

/** Throws `code_not_sent` if there is no whole answer in time. Redirects are not followed: codes go to one place only. */
export async function post(url: string, headers: Record<string, string>, body: string): Promise<PostAnswer> {
  // A timer that is cleared, not AbortSignal.timeout: that one stays armed after the answer and is billed.
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), limits.codeSendTimeoutMs);
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers,
      body,
      signal: abort.signal,
      redirect: "manual",
    });
    return { status: answer.status, ok: answer.ok, text: await answer.text() };
  } catch {
    throw new ProtocolError("code_not_sent");
  } finally {
    clearTimeout(timer);
  }
}
