// biome-ignore-all lint/performance/noBarrelFile: the runtime looks for Durable Object classes among these exports.
/** The Worker's entry: HTTP, the push queue, and the Durable Object classes that wrangler.toml names. */
import type { Bindings } from "../config.ts";
import { app } from "./app.ts";

export { Account } from "../../durable/account/account.ts";
export { Conversation } from "../../durable/conversation/conversation.ts";
export { Directory } from "../../durable/directory/directory.ts";
export { Inbox } from "../../durable/inbox/inbox.ts";

export default {
  fetch: app.fetch,

  /**
   * Push is not built yet and nothing is produced. Acknowledging a job that nobody did would be a lie: whatever lands
   * here goes back, and after its retries into the dead-letter queue, where it can be seen.
   */
  async queue(batch) {
    console.warn(JSON.stringify({ event: "push_jobs_returned", count: batch.messages.length }));
    batch.retryAll();
  },
} satisfies ExportedHandler<Bindings>;
