/** One message: a bubble with its time and ticks, or a centred notice; a failed one with what to do about it. */
import type { JSX } from "preact";
import type { ConversationSummary, Message } from "../../client/contract.ts";
import { Ticks } from "../shell/ticks.tsx";
import { hueOf } from "../text/hue.ts";
import { noticeText } from "../text/notice-text.ts";
import { parkedText } from "../text/parked-text.ts";
import { formatPhone } from "../text/phone.ts";
import { tickOf } from "../text/ticks.ts";
import { clockTime, fullTime } from "../text/times.ts";
import { Failure } from "./failure.tsx";

export interface MessageItemProps {
  message: Message;
  startsRun: boolean;
  kind: ConversationSummary["kind"];
}

export function MessageItem({ message, startsRun, kind }: MessageItemProps): JSX.Element {
  const marks = {
    "data-testid": "message",
    "data-message-id": message.messageId,
    "data-status": message.status ?? undefined,
    "data-seq": message.seq ?? undefined,
  };
  const { body } = message;
  if (body.type === "notice") {
    return (
      <p class="notice" data-notice={body.notice.type} {...marks}>
        {noticeText(body.notice, message, kind)}
      </p>
    );
  }
  const side = message.isOwn ? "message-own" : "message-other";
  const tick = tickOf(message);
  return (
    <article class={`message ${side} ${startsRun ? "message-starts-run" : ""}`} {...marks}>
      <div class="bubble">
        <Sender message={message} isShown={kind === "group" && startsRun && !message.isOwn} />
        {body.type === "text" ? (
          <span class="bubble-text" dir="auto">
            {body.text}
          </span>
        ) : (
          <span class="bubble-text bubble-parked" data-parked={body.reason}>
            {parkedText(body.reason)}
          </span>
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

/** Above the first of a run in a group; a screen reader hears whose it is with every message. */
function Sender({ message, isShown }: { message: Message; isShown: boolean }): JSX.Element {
  const name = message.isOwn ? "You" : formatPhone(message.senderName);
  return isShown ? (
    <span class={`sender-name hue-${hueOf(message.senderId)}`} dir="auto" data-testid="sender-name">
      {name}
    </span>
  ) : (
    <span class="visually-hidden">{name}:</span>
  );
}
