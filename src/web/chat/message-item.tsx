/** One message: a bubble with its time and ticks, or a centred notice; a failed one with what to do about it. */
import type { JSX } from "preact";
import type { Message } from "../../client/contract.ts";
import { Ticks } from "../shell/ticks.tsx";
import { useActions } from "../state/app-context.ts";
import { noticeText, parkedText } from "../text/message-text.ts";
import { tickOf } from "../text/ticks.ts";
import { clockTime, fullTime } from "../text/times.ts";

export function MessageItem({ message, startsRun }: { message: Message; startsRun: boolean }): JSX.Element {
  const marks = {
    "data-testid": "message",
    "data-message-id": message.messageId,
    "data-status": message.status ?? undefined,
    "data-seq": message.seq ?? undefined,
  };
  if (message.body.type === "notice") {
    return (
      <p class="notice" {...marks}>
        {noticeText(message.body.notice)}
      </p>
    );
  }
  const side = message.isOwn ? "message-own" : "message-other";
  const tick = tickOf(message);
  return (
    <article class={`message ${side} ${startsRun ? "message-starts-run" : ""}`} {...marks}>
      <span class="visually-hidden">{message.isOwn ? "You" : "They"}:</span>
      <div class="bubble">
        {message.body.type === "text" ? (
          <span class="bubble-text" dir="auto">
            {message.body.text}
          </span>
        ) : (
          <span class="bubble-text bubble-parked">{parkedText}</span>
        )}
        <span class="bubble-meta">
          <time dateTime={new Date(message.sentAtMs).toISOString()} title={fullTime(message.sentAtMs)}>
            {clockTime(message.sentAtMs)}
          </time>
          {tick !== null && <Ticks tick={tick} />}
        </span>
      </div>
      {message.status === "failed" && <Failure message={message} />}
    </article>
  );
}

function Failure({ message }: { message: Message }): JSX.Element {
  const { retry, discard } = useActions();
  const { conversationId, messageId } = message;
  return (
    <div class="failure" role="alert">
      <p>Not sent. {message.failure}</p>
      <button
        type="button"
        class="text-button"
        onClick={() => void retry(conversationId, messageId)}
        data-testid="retry"
      >
        Retry
      </button>
      <button
        type="button"
        class="text-button"
        onClick={() => void discard(conversationId, messageId)}
        data-testid="discard"
      >
        Discard
      </button>
    </div>
  );
}
