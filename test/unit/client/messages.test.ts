import { describe, expect, it } from "vitest";
import { messages } from "../../../src/client/views/messages.ts";
import { World } from "./support/world.ts";

describe("the messages of a chat", () => {
  it("a message that moves from the outbox into the log between two reads shows once", async () => {
    const world = new World();
    const { alice, chat } = await world.pair();
    const { messageId } = await alice.app.send(chat, "moving");
    const waiting = await alice.store.range("outbox", { conversationId: chat });
    expect(waiting).toHaveLength(1);
    await world.environment.until(async () => (await alice.store.all("outbox")).length === 0, "in the log");
    await alice.store.apply(waiting.map((item) => ({ table: "outbox", put: item }) as const));
    const query = { conversationId: chat, beforeSeq: null, limit: 100 };
    const shown = await messages(alice.store, query, alice.device.user_id);
    expect(shown.filter((message) => message.messageId === messageId)).toMatchObject([{ seq: 2 }]);
    await world.close();
  });

  it("pages back to the first, each message once, also where several stand at one seq [L5]", async () => {
    const world = new World();
    const { alice, chat } = await world.pair();
    for (let count = 0; count < 9; count += 1) await alice.app.send(chat, `${count}`);
    await world.environment.until(async () => (await alice.store.all("outbox")).length === 0, "in the log");
    const [last] = await alice.store.range("messages", { conversationId: chat, newestFirst: true, limit: 1 });
    if (last === undefined) throw new Error("nothing held");
    const beside = [1, 2, 3].map((sub) => ({ ...last, seq: 5, sub, messageId: `beside-${sub}` }));
    await alice.store.apply(beside.map((message) => ({ table: "messages", put: message }) as const));
    const found: string[] = [];
    for (let beforeSeq: number | null = null; ; ) {
      const page: Awaited<ReturnType<typeof alice.app.messages>> = await alice.app.messages(chat, {
        beforeSeq,
        limit: 2,
      });
      if (page.length === 0) break;
      found.unshift(...page.map((message) => message.messageId));
      beforeSeq = page[0]?.seq ?? 0;
    }
    expect(found).toHaveLength(13);
    expect(new Set(found).size).toBe(13);
    await world.close();
  });
});
