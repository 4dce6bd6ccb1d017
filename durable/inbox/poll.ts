/**
 * Receiving over HTTP: for a woken service worker, and for networks that block sockets. Same rows, cursors and acks as
 * the socket; a poll is never handed anything, it takes what is held and acknowledges it with the next poll.
 */
import type { z } from "zod";
import type { pollAnswerSchema, pollRequestSchema } from "../../src/protocol/http.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { InboxCore } from "./core.ts";
import type { Reports } from "./reports.ts";
import { nextBatch } from "./resume.ts";

type PollRequest = z.infer<typeof pollRequestSchema>;
type PollRefusal = z.infer<typeof pollAnswerSchema>["refused"][number];

/** JSON text of a poll answer. `refusals` collects what Conversations refused meanwhile. */
export async function poll(
  core: InboxCore,
  reports: Reports,
  deviceId: number,
  request: PollRequest,
  refusals: PollRefusal[],
): Promise<string> {
  // From here on this is the device's poll: an older one answers now, whatever it is waiting for.
  core.polls.get(deviceId)?.();
  const waiting = new Waiting();
  core.polls.set(deviceId, waiting.wake);
  try {
    return await answerOf(core, reports, deviceId, request, refusals, waiting);
  } finally {
    if (core.polls.get(deviceId) === waiting.wake) core.polls.delete(deviceId);
  }
}

async function answerOf(
  core: InboxCore,
  reports: Reports,
  deviceId: number,
  request: PollRequest,
  refusals: PollRefusal[],
  waiting: Waiting,
): Promise<string> {
  await Promise.all(
    request.reports.map((made) => {
      const waitMs = core.unlisted.take(deviceId, made.conversation_id, Date.now());
      if (waitMs === 0) return report(core, reports, deviceId, made);
      refusals.push({ conversation_id: made.conversation_id, code: "rate_limited" });
      return undefined;
    }),
  );
  if (core.sockets.ofDevice(deviceId) === undefined) core.recall(deviceId);
  let found = lacking(core, deviceId);
  if (found.live && request.wait_ms > 0) {
    await waiting.until(request.wait_ms);
    found = lacking(core, deviceId);
  }
  const { frames, ...rest } = found;
  const header = JSON.stringify({ store_id: core.storeId(), ...rest, refused: refusals });
  return `${header.slice(0, -1)},"frames":[${frames.join(",")}]}`;
}

/** Marks come once no rows are left, as on the socket. */
function lacking(core: InboxCore, deviceId: number): { frames: string[]; marks: string[]; live: boolean } {
  const { frames } = nextBatch(deviceId, null, core.held, core.remembered);
  const marks = frames.length > 0 ? [] : core.marks.ofDevice(deviceId, limits.backlogConversationsMax);
  return { frames, marks, live: frames.length === 0 && marks.length === 0 };
}

function report(
  core: InboxCore,
  reports: Reports,
  deviceId: number,
  { conversation_id, acked, read }: PollRequest["reports"][number],
): Promise<void> {
  if (acked !== undefined && acked <= core.remembered.seen(conversation_id)) {
    core.remembered.ack(deviceId, conversation_id, acked);
  }
  return reports.add(conversation_id, {
    device_id: deviceId,
    ...(acked !== undefined && { acked }),
    ...(read !== undefined && { read }),
  });
}

/** Until something is held for the device, a newer poll takes over, or the time is up. Bounded by pollWaitMsMax. */
class Waiting {
  #isWoken = false;
  #resolve: () => void = () => undefined;

  readonly wake = (): void => {
    this.#isWoken = true;
    this.#resolve();
  };

  async until(waitMs: number): Promise<void> {
    if (this.#isWoken) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resolve = resolve;
    const timer = setTimeout(resolve, waitMs);
    await promise;
    clearTimeout(timer);
  }
}
