/** [F10] [F11] Memory may go between any two steps of a message; everything still arrives, once and in order. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type DirectChat,
  foundDirectChat,
  type InboxSocket,
  openLiveChat,
  openLiveInbox,
  sendFrame,
  submissionOf,
} from "./support/direct-chat.ts";
import {
  alarmOf,
  armedAt,
  crash,
  eventually,
  heldSeqs,
  hibernate,
  moveClock,
  settle,
  watchDeliver,
} from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

async function deliveredOf(chat: DirectChat): Promise<number> {
  const state = await chat.conversation().state(chat.alice);
  return state?.members.find((member) => member.user_id === chat.bob.user_id)?.delivered ?? 0;
}
const steps = ["before send", "after accepted", "after handed", "after acked"] as const;
type Step = (typeof steps)[number];
const which = ["conversation", "inbox", "both"] as const;

/** Sends three messages from Alice to Bob with an eviction at one step, and waits until each has arrived. */
async function sendThree(
  chat: DirectChat,
  send: (text: string, count: number) => Promise<unknown>,
  arrived: (seq: number) => Promise<void>,
  ack: (seq: number) => void,
  at: (step: Step) => Promise<void>,
) {
  for (let i = 0; i < 3; i++) {
    await at("before send");
    await send(`m${i}`, i + 1);
    await at("after accepted");
    await arrived(i + 2);
    await at("after handed");
    ack(i + 2);
    await at("after acked");
  }
  expect(await chat.conversation().state(chat.alice)).toMatchObject({ head: 4 });
}
/** Lets deadlines pass and the alarm run until it is so. The device acks again whatever it already has [D1]. */
async function withAlarms(
  chat: DirectChat,
  bob: InboxSocket,
  condition: () => Promise<boolean> | boolean,
  what: string,
) {
  await eventually(async () => {
    if (await condition()) return true;
    moveClock(3_000);
    await alarmOf(chat);
    const last = bob.entries().at(-1)?.seq;
    if (last !== undefined) bob.send({ type: "ack", conversation_id: chat.id, seq: last });
    return false;
  }, what);
}

describe.each(which)("hibernation of %s", (whom) => {
  it.each(steps)("[F10] %s: all arrives by the inbox socket", async (when) => {
    const chat = await foundDirectChat();
    const alice = await openLiveChat(chat, chat.alice);
    const bob = await openLiveInbox(chat, chat.bob);
    await sendThree(
      chat,
      async (text, count) => {
        alice.send(sendFrame(chat, text));
        return await alice.frame("accepted", count);
      },
      (seq) => withAlarms(chat, bob, () => bob.entries().some((entry) => entry.seq === seq), `entry ${seq}`),
      (seq) => bob.send({ type: "ack", conversation_id: chat.id, seq }),
      async (step) => {
        if (step !== when) return;
        if (whom === "both") await hibernate(chat, chat.bob);
        else if (whom === "conversation") await hibernate(chat);
        else await hibernateInbox(chat);
      },
    );
    await withAlarms(chat, bob, async () => (await deliveredOf(chat)) === 4, "delivery");
    await settle(chat, 20);
    await withAlarms(chat, bob, async () => (await heldSeqs(chat, chat.bob)).length === 0, "letting go");
    const seqs = bob.entries().map(({ seq }) => seq);
    expect([...new Set(seqs)]).toEqual([1, 2, 3, 4]);
    expect(alice.closed ?? bob.closed).toBeNull();
  });
});

async function hibernateInbox(chat: DirectChat): Promise<void> {
  await hibernate({
    ...chat,
    conversation: () => chat.inbox(chat.bob) as unknown as ReturnType<DirectChat["conversation"]>,
  });
}

describe("hibernation of the conversation", () => {
  it.each(steps)("[F10] %s: all arrives by the chat socket, and no socket is cut", async (when) => {
    const chat = await foundDirectChat();
    const alice = await openLiveChat(chat, chat.alice);
    const bob = await openLiveChat(chat, chat.bob);
    await sendThree(
      chat,
      async (text, count) => {
        alice.send(sendFrame(chat, text));
        return await alice.frame("accepted", count);
      },
      async (seq) => void (await bob.untilSeq(seq)),
      (seq) => bob.send({ type: "ack", conversation_id: chat.id, seq }),
      async (step) => {
        if (step === when) await hibernate(chat);
      },
    );
    bob.send({ type: "ack", conversation_id: chat.id, seq: 4 });
    await eventually(async () => (await deliveredOf(chat)) === 4, "delivery");
    expect(bob.entries().map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(alice.closed ?? bob.closed).toBeNull();
  });

  it("[F10] during the alarm's calls: nothing is forgotten", async () => {
    const chat = await foundDirectChat();
    await openLiveInbox(chat, chat.bob);
    await chat.conversation().submit(chat.alice, [submissionOf("a"), submissionOf("b")]);
    await hibernate(chat, chat.bob);
    moveClock(3_000);
    await Promise.all([alarmOf(chat), chat.conversation().submit(chat.alice, [submissionOf("c")])]);
    await hibernate(chat, chat.bob);
    await settle(chat, 20);
    const again = await openLiveInbox(chat, chat.bob);
    await again.until(() => again.entries().some(({ seq }) => seq === 4), "all");
    // The ack of entry 1 may have died with the first memory.
    expect(
      again
        .entries()
        .map(({ seq }) => seq)
        .filter((seq) => seq > 1),
    ).toEqual([2, 3, 4]);
  });

  it("[F10] [F5] a wake that finds work and no alarm arms one", async () => {
    const chat = await foundDirectChat();
    await openLiveInbox(chat, chat.bob);
    await chat.conversation().submit(chat.alice, [submissionOf("a")]);
    await runInDurableObject(chat.conversation(), (_, state) => state.storage.deleteAlarm());
    await hibernate(chat);
    await chat.conversation().state(chat.alice);
    expect(await armedAt(chat.conversation())).not.toBeNull();
  });
});

describe("one's own entries after a wake", () => {
  it("[F4] [F6] cost their author neither the chat socket nor a call", async () => {
    const chat = await foundDirectChat();
    const alice = await openLiveChat(chat, chat.alice);
    alice.send(sendFrame(chat, "a"), sendFrame(chat, "b"));
    await alice.frame("accepted", 2);
    await hibernate(chat);
    const { calls } = watchDeliver();
    await settle(chat);
    expect(alice.closed).toBeNull();
    expect(calls.filter(({ entries }) => entries.some((entry) => entry.author_device === 1))).toEqual([]);
  });
});

describe("a crash", () => {
  it("[F11] of both objects after acceptance: what was accepted arrives after reconnecting", async () => {
    const chat = await foundDirectChat();
    const alice = await openLiveChat(chat, chat.alice);
    const bob = await openLiveInbox(chat, chat.bob);
    const first = sendFrame(chat, "first");
    alice.send(first, sendFrame(chat, "second"));
    await alice.frame("accepted", 2);
    await crash(chat.conversation());
    await crash(chat.inbox(chat.bob));
    await alice.untilClosed();
    await bob.untilClosed();
    await settle(chat, 20);
    const again = await openLiveInbox(chat, chat.bob);
    await again.until(() => again.entries().some(({ seq }) => seq === 3), "all");
    expect([...new Set(again.entries().map(({ seq }) => seq))].slice(-2)).toEqual([2, 3]);
    const back = await openLiveChat(chat, chat.alice);
    back.send(first);
    expect(await back.frame("accepted")).toMatchObject({ seq: 2 });
  });
});
