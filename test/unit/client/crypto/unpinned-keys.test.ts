/**
 * [E5] [E12] What a server that makes keys under a member's name, or tells a new device an old epoch, gets away with until
 * there are pins and anchors: docs/security.md, "Open today". These tests say how it is, not how it shall be: whoever
 * builds those turns them round.
 */
import { expect, it } from "vitest";
import type { HeldGroup } from "../../../../src/client/crypto/port.ts";
import type { DeviceRef } from "../../../../src/protocol/ids.ts";
import {
  encrypt,
  type Founded,
  foundBy,
  newDevice,
  nowMs,
  pair,
  placeOf,
  position,
  rulesFor,
  type TestDevice,
  text,
  value,
  welcomeFor,
} from "./support/ports.ts";

it("[E5] open: a key package under an account key of the server's own is taken for Bob's", async () => {
  const [alice, bob] = [await newDevice(), await newDevice()];
  const imposter = await newDevice(bob.ref.user_id, bob.ref.device_id);
  const founded = await foundBy(alice, [imposter], "direct");
  expect(founded.made.refused).toEqual([]);
  const { group } = value(await imposter.port.joinByWelcome(welcomeFor(imposter, founded, alice)));
  expect(await readsWhatAliceWrites(imposter, group, alice, founded.made.next, founded)).toBe(true);
});

it("[E5] open: a device of the server's own comes in by external commit under Bob's name", async () => {
  const { alice, bob, founded, alices } = await pair("direct");
  const imposter = await newDevice(bob.ref.user_id, 2);
  const { next, seen } = await comeIn(imposter, [], { alice, alices, bob, founded });
  expect(await readsWhatAliceWrites(imposter, next, alice, seen, founded)).toBe(true);
});

it("[E4] one that says it is Bob's device does not take that device's place with another key", async () => {
  const { alice, bob, founded, alices } = await pair("direct");
  const imposter = await newDevice(bob.ref.user_id, bob.ref.device_id);
  const chat = { alice, alices, bob, founded };
  expect((await tryToComeIn(imposter, [bob.ref], chat)).accepted.failure).toBe("changed_identity");
  // Bob's own device, which has lost the group and kept its keys, comes back.
  expect((await tryToComeIn(bob, [bob.ref], chat)).accepted.failure).toBeNull();
});

it("[E12] open: a new device without an anchor takes an old GroupInfo for the present one", async () => {
  const { alice, founded, alices } = await pair("direct");
  const { document, stateHash, conversationId, kind } = founded;
  const options = { add: [], remove: [], document, position: position(1), nowMs };
  const later = value(await alice.port.commit(alices, options));
  expect(later.next.epoch).toBe(2);
  const second = await newDevice(alice.ref.user_id, 2);
  const { groupInfo, tree } = founded.made;
  const told = {
    conversationId,
    generation: 1,
    kind,
    groupInfo,
    tree,
    stateHash,
    nowMs,
    position: position(2),
  };
  const join = (epoch: number) => second.port.joinByGroupInfo({ ...told, keys: second.keys, epoch });
  expect((await join(2)).failure).toBe("old_group_info");
  expect((await join(1)).failure).toBeNull();
});

type Chat = Omit<Awaited<ReturnType<typeof pair>>, "bobs">;

async function comeIn(
  imposter: TestDevice,
  remove: DeviceRef[],
  chat: Chat,
): Promise<{ next: HeldGroup; seen: HeldGroup }> {
  const { next, accepted } = await tryToComeIn(imposter, remove, chat);
  const { outcome, group } = value(accepted);
  expect(outcome).toBe("applied");
  return { next, seen: group };
}

async function tryToComeIn(imposter: TestDevice, remove: DeviceRef[], chat: Chat) {
  const { alice, alices, bob, founded } = chat;
  const at = position(1);
  const { conversationId, kind, stateHash } = founded;
  const { groupInfo, tree } = founded.made;
  const common = { conversationId, generation: 1, kind, epoch: 1, groupInfo, tree, stateHash, nowMs };
  const made = value(await imposter.port.joinByGroupInfo({ ...common, keys: imposter.keys, position: at }));
  const roster = { add: [imposter.ref], remove };
  const rules = { ...rulesFor(made, [alice, bob], kind), roster };
  const place = placeOf(made, at.messageId, imposter, 2);
  const entry = { bytes: made.bytes, place, rules, pending: null };
  return { next: made.next, accepted: await alice.port.acceptCommit(alices, entry) };
}

async function readsWhatAliceWrites(
  reader: TestDevice,
  group: HeldGroup,
  alice: TestDevice,
  alices: HeldGroup,
  { stateHash }: Founded,
): Promise<boolean> {
  const { sent, place } = await encrypt(alice, alices, "for Bob alone", stateHash);
  const opened = value(await reader.port.open(group, { bytes: sent.bytes, place, stateHash }));
  return text(opened.content) === "for Bob alone";
}
