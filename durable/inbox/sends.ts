/**
 * Sends that came on the inbox socket, handed to their Conversation [L7]: one call under way per device and chat, later
 * ones gather behind it in order. After a refusal the connection refuses the device's later sends to that chat.
 */
import type { Refusal, Submission, SubmitOutcome } from "../rpc.ts";
import type { InboxConnection } from "./inbox-sockets.ts";

export interface SendsPort {
  submit(conversationId: string, deviceId: number, submissions: Submission[]): Promise<SubmitOutcome[]>;
}
type Answer = (outcome: SubmitOutcome) => void;

const queuedMax = 512;
const pausedChatsMax = 64;

export class Sends {
  #port: SendsPort;
  #queues = new Map<string, { submission: Submission; answer: Answer }[]>();

  constructor(port: SendsPort) {
    this.#port = port;
  }

  submit(connection: InboxConnection, conversationId: string, submission: Submission, answer: Answer): void {
    if (connection.paused.has(conversationId)) return answer(refusal("after_refusal"));
    const key = `${connection.deviceId}/${conversationId}`;
    const queue = this.#queues.get(key);
    if (queue !== undefined && queue.length >= queuedMax) {
      pause(connection, conversationId);
      return answer(refusal("busy"));
    }
    if (queue !== undefined) {
      queue.push({ submission, answer });
      return;
    }
    this.#queues.set(key, [{ submission, answer }]);
    void this.#drain(key, connection, conversationId);
  }

  async #drain(key: string, connection: InboxConnection, conversationId: string): Promise<void> {
    for (;;) {
      const queue = this.#queues.get(key) ?? [];
      if (queue.length === 0) {
        this.#queues.delete(key);
        return;
      }
      this.#queues.set(key, []);
      const outcomes = connection.paused.has(conversationId)
        ? queue.map(() => refusal("after_refusal"))
        : await this.#call(
            connection.deviceId,
            conversationId,
            queue.map((item) => item.submission),
          );
      if (outcomes.some((outcome) => "refused" in outcome)) pause(connection, conversationId);
      for (const [index, item] of queue.entries()) item.answer(outcomes[index] ?? refusal("internal"));
      connection.out.flush();
    }
  }

  /** A call that throws may have run: the device sends the same id again and gets the first ack [L3]. */
  async #call(deviceId: number, conversationId: string, submissions: Submission[]): Promise<SubmitOutcome[]> {
    try {
      return await this.#port.submit(conversationId, deviceId, submissions);
    } catch {
      return submissions.map(() => refusal("internal"));
    }
  }
}

export function pause(connection: InboxConnection, conversationId: string): void {
  if (connection.paused.has(conversationId)) return;
  // Bounded in the attachment: the chat paused longest ago is let go, and refuses again by itself if it must.
  const oldest = connection.paused.values().next().value;
  if (connection.paused.size >= pausedChatsMax && oldest !== undefined) connection.paused.delete(oldest);
  connection.paused.add(conversationId);
  connection.save();
}

function refusal(code: Refusal["code"]): SubmitOutcome {
  return { refused: { code, details: {} } };
}
