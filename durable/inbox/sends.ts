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

interface Item {
  connection: InboxConnection;
  submission: Submission;
  answer: Answer;
}
interface Queue {
  items: Item[];
  bytes: number;
}

const queuedMax = 512;
const queuedBytesMax = 4 * 1024 * 1024;
const pausedChatsMax = 64;

export class Sends {
  #port: SendsPort;
  /** What waits behind the call under way, by device and chat. */
  #queues = new Map<string, Queue>();

  constructor(port: SendsPort) {
    this.#port = port;
  }

  submit(connection: InboxConnection, conversationId: string, submission: Submission, answer: Answer): void {
    if (connection.paused.has(conversationId)) return answer(refusal("after_refusal"));
    const key = `${connection.deviceId}/${conversationId}`;
    const queue = this.#queues.get(key);
    if (queue !== undefined && (queue.items.length >= queuedMax || queue.bytes > queuedBytesMax)) {
      pause(connection, conversationId);
      return answer(refusal("busy"));
    }
    const waiting = queue ?? { items: [], bytes: 0 };
    waiting.items.push({ connection, submission, answer });
    waiting.bytes += submission.envelope.length;
    if (queue !== undefined) return;
    this.#queues.set(key, waiting);
    void this.#drain(key, waiting, conversationId);
  }

  async #drain(key: string, queue: Queue, conversationId: string): Promise<void> {
    // Sends that came in one array of frames make one call.
    await Promise.resolve();
    for (let run = takeRun(queue); run.length > 0; run = takeRun(queue)) {
      const connection = run[0]?.connection;
      if (connection === undefined) break;
      const outcomes = connection.paused.has(conversationId)
        ? run.map(() => refusal("after_refusal"))
        : await this.#call(
            connection.deviceId,
            conversationId,
            run.map((item) => item.submission),
          );
      if (outcomes.some((outcome) => "refused" in outcome)) pause(connection, conversationId);
      for (const [index, item] of run.entries()) item.answer(outcomes[index] ?? refusal("internal"));
      connection.out.flush();
    }
    this.#queues.delete(key);
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

/** All that waits, up to the first of another connection: a newer one of the device has its own pauses [L7]. */
function takeRun(queue: Queue): Item[] {
  const first = queue.items[0];
  const end = queue.items.findIndex((item) => item.connection !== first?.connection);
  const run = queue.items.splice(0, end === -1 ? queue.items.length : end);
  for (const item of run) queue.bytes -= item.submission.envelope.length;
  return run;
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
