/**
 * The one error funnel: every failure of a request becomes a code of the closed list here. What is not a
 * ProtocolError is `internal` (or `busy`) with a request id, and one log line without content.
 */
import { ConfigurationError } from "../config.ts";
import {
  type ErrorCode,
  type ErrorDetails,
  errorBody,
  errorRetry,
  errorStatus,
  ProtocolError,
} from "../protocol/errors.ts";
import type { EdgeContext } from "./context.ts";

const retryAfterDefaultMs = 5_000;

export function answerFailure(error: unknown, c: EdgeContext): Response {
  const known = toProtocolError(error, c);
  return errorAnswer(known.code, known.details);
}

export function answerNotFound(): Response {
  return errorAnswer("not_found");
}

export function errorAnswer(code: ErrorCode, details: ErrorDetails = {}): Response {
  const headers = new Headers();
  if (errorRetry(code) === "later") {
    headers.set("retry-after", String(Math.ceil((details.retry_after_ms ?? retryAfterDefaultMs) / 1000)));
  }
  return Response.json(errorBody(code, details), { status: errorStatus(code), headers });
}

function toProtocolError(error: unknown, c: EdgeContext): ProtocolError {
  if (error instanceof ProtocolError) return error;
  const requestId = c.get("requestId");
  logUnexpected(error, c, requestId);
  // An overloaded object throws with this flag; retrying at once is what overloads it further.
  const isOverloaded = error instanceof Error && "overloaded" in error && error.overloaded === true;
  return new ProtocolError(isOverloaded ? "busy" : "internal", { request_id: requestId });
}

/** Messages of unknown errors may quote input: only a configuration's is logged, of others the name and the frames. */
function logUnexpected(error: unknown, c: EdgeContext, requestId: string): void {
  const line = {
    event: "request_failed",
    request_id: requestId,
    method: c.req.method,
    route: routeShape(c.req.path),
    error: error instanceof Error ? error.name : typeof error,
    reason: error instanceof ConfigurationError ? error.message : undefined,
    frames: error instanceof Error ? stackFrames(error) : undefined,
  };
  console.error(JSON.stringify(line));
}

/** The path without ids: words stay, everything else is a colon. */
function routeShape(path: string): string {
  return path
    .split("/")
    .slice(0, 6)
    .map((part) => (/^[a-z0-9]{0,16}$/.test(part) ? part : ":"))
    .join("/");
}

function stackFrames(error: Error): string[] {
  const lines = (error.stack ?? "").split("\n").map((line) => line.trim());
  return lines.filter((line) => line.startsWith("at ")).slice(0, 6);
}
