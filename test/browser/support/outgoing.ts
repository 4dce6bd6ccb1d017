/** Everything a page sends: bodies of requests and frames of sockets. For looking whether something readable is in it. */
import type { Page } from "playwright-core";

export function recordOutgoing(page: Page): string[] {
  const sent: string[] = [];
  page.on("request", (request) => {
    sent.push(request.url(), request.postDataBuffer()?.toString("latin1") ?? "");
  });
  page.on("websocket", (socket) => {
    sent.push(socket.url());
    socket.on("framesent", ({ payload }) => {
      sent.push(typeof payload === "string" ? payload : payload.toString("latin1"));
    });
  });
  return sent;
}

/** Whether a text is in what was sent, as it is or in base64 of any depth up to three. */
export function holdsText(sent: string, text: string, depth = 3): boolean {
  if (sent.includes(Buffer.from(text).toString("latin1"))) return true;
  if (depth === 0) return false;
  return (sent.match(/[A-Za-z0-9+/_-]{16,}={0,2}/g) ?? []).some((run) =>
    holdsText(Buffer.from(run, "base64").toString("latin1"), text, depth - 1),
  );
}
