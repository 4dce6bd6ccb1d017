/**
 * Receiving over HTTP: for a woken service worker, and for networks that block sockets. Same rows, cursors and acks as
 * the socket; a poll is never handed anything, it takes what is held and acknowledges it with the next poll.
 */
import type { z } from "zod";
import type { pollAnswerSchema, pollRequestSchema } from "../../src/protocol/http.ts";
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
  core.polls.get(deviceId)?.("replaced");
  await Promise.all(
    request.reports.map((report) => {
      const { conversation_id, acked, read } = report;
      if (acked !== undefined && acked <= core.remembered.seen(conversation_id)) {
        core.remembered.ack(deviceId, conversation_id, acked);
      }
      return reports.add(conversation_id, {
        device_id: deviceId,
        ...(acked !== undefined && { acked }),
        ...(read !== undefined && { read }),
      });
    }),
  );
  if (core.sockets.ofDevice(deviceId) === undefined) core.recall(deviceId);
  let batch = nextBatch(deviceId, null, core.held, core.remembered);
  if (batch.frames.length === 0 && request.wait_ms > 0) {
    await somethingStored(core, deviceId, request.wait_ms);
    batch = nextBatch(deviceId, null, core.held, core.remembered);
  }
  const header = JSON.stringify({
    store_id: core.storeId(),
    live: batch.frames.length === 0,
    refused: refusals,
  });
  return `${header.slice(0, -1)},"frames":[${batch.frames.join(",")}]}`;
}

/** Until something is held for the device, a newer poll takes over, or the time is up. Bounded by pollWaitMsMax. */
function somethingStored(core: InboxCore, deviceId: number, waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      if (core.polls.get(deviceId) === done) core.polls.delete(deviceId);
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    core.polls.set(deviceId, done);
  });
}
