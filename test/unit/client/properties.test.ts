import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../../src/protocol/limits.ts";
import { fakeMac } from "./support/fake-log.ts";
import { strangerId, textEnvelope, World } from "./support/world.ts";

/** What may happen to the traffic of one chat, one step after the other. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("bob writes" as const), heard: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("alice writes" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("entries come" as const),
      from: fc.nat(),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("time passes" as const), ms: fc.nat(3000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("cut" as const), code: fc.constantFrom(1006, 4410, 4401, 4429) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("answers are lost" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("chat opens" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("epoch moves" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("refusal" as const),
      code: fc.constantFrom("busy" as const, "base_too_old" as const, "rate_limited" as const),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function play(steps: Step[]): Promise<void> {
  const world = new World();
  try {
    const { alice, bob, chat } = await world.pair();
    // Bob's own client would only add noise: the script writes for him.
    await bob.app.close();
    const log = world.server.log(chat);
    const written: string[] = [];
    for (const [index, action] of steps.entries()) {
      const [inbox] = world.server.open(alice.device);
      switch (action.do) {
        case "bob writes":
          log.forge(
            bob.device,
            {
              message_id: strangerId(),
              epoch: log.epoch,
              base_seq: 0,
              silent: false,
              envelope: textEnvelope(`b${index}`),
            },
            world.environment.nowMs,
          );
          if (action.heard) world.server.deliver(log, log.head);
          break;
        case "alice writes":
          written.push((await alice.app.send(chat, `a${index}`)).messageId);
          break;
        case "entries come": {
          const from = action.from % log.head;
          const entries = log.entries
            .slice(from, from + action.count)
            .filter((entry) => entry.sender.user_id !== alice.device.user_id);
          const mac = fakeMac(entries.at(-1)?.seq ?? 0);
          if (entries.length > 0)
            inbox?.send({ type: "entries", conversation_id: chat, log_id: log.logId, entries, mac });
          break;
        }
        case "time passes":
          await world.environment.advance(action.ms);
          break;
        case "cut":
          world.server.cutAll(action.code);
          break;
        case "answers are lost":
          inbox?.loses.add("accepted");
          break;
        case "chat opens":
          alice.app.openChat(chat);
          break;
        case "epoch moves":
          log.forge(
            bob.device,
            {
              message_id: strangerId(),
              epoch: log.epoch,
              base_seq: 0,
              silent: false,
              envelope: Buffer.from('{"v":1,"type":"device_joined"}').toString("base64"),
              roster_change: { add: [{ user_id: bob.device.user_id, device_id: 10 + index }], remove: [] },
            },
            world.environment.nowMs,
          );
          break;
        case "refusal":
          world.server.refuseNext.push({ code: action.code });
      }
    }
    world.server.refuseNext = [];
    // A last word from Bob uncovers whatever gap is left.
    world.server.cutAll();
    await world.environment.until(
      async () => (await alice.store.all("outbox")).length === 0,
      "the outbox empties",
    );
    world.server.say(chat, bob.device, textEnvelope("last"), strangerId());
    const cursor = async () => (await alice.store.get("conversations", [chat]))?.cursor.seq;
    await world.environment.until(async () => (await cursor()) === log.head, "the cursor reaches the head");

    const held = await alice.store.range("entries", { conversationId: chat });
    expect(held.map((entry) => entry.messageId)).toEqual(log.entries.map((entry) => entry.message_id));
    const own = log.entries.filter(
      (entry) => entry.sender.user_id === alice.device.user_id && entry.kind === "message",
    );
    expect(own.map((entry) => entry.message_id)).toEqual(written);
    const shown = await alice.app.messages(chat, { limit: limits.localPageMessagesMax });
    expect(shown.map((message) => message.seq)).toEqual(log.entries.map((entry) => entry.seq));
  } finally {
    await world.close();
  }
}

describe("any order of what a network may do", () => {
  it("[D3] [L3] [L7] ends with the whole log, dense, each entry once, own messages in the order they were written", async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), play), {
      numRuns: 120,
    });
  }, 120_000);
});
