/** Messages of the cheap engine: a count per leaf and epoch is the ratchet. */
import { base64, hex } from "@scure/base";
import type { CryptoPort, Ratchet } from "../../src/client/crypto/port.ts";
import { ratchetConfig } from "../../src/client/mls/group.ts";
import { deviceKey } from "../../src/protocol/ids.ts";
import { type CheapCount, type CheapGroup, findLeaf, isSame, opened } from "./cheap-group.ts";
import { fromBytes, toBytes } from "./cheap-mls.ts";
import { fail, good } from "./outcome.ts";

const unused: CheapCount = { next: 0, skipped: [] };

export const messages: Pick<CryptoPort, "encrypt" | "open"> = {
  async encrypt(heldGroup, { content, position, stateHash }) {
    const group = opened(heldGroup);
    if (group.own === null) return fail("removed");
    const sender = group.leaves[group.own];
    if (sender == null) return fail("unknown_leaf");
    const { next: count } = group.counts[group.own] ?? unused;
    const bytes = toBytes({
      cheap: "message",
      conversationId: group.conversationId,
      generation: group.generation,
      epoch: group.epoch,
      sender,
      count,
      messageId: position.messageId,
      baseSeq: position.baseSeq,
      baseHash: hex.encode(position.baseHash),
      stateHash: hex.encode(stateHash),
      secret: group.secret,
      content: base64.encode(content),
    });
    return good({
      bytes,
      k: new Uint8Array(32),
      ...step(group, group.own, { next: count + 1, skipped: [] }),
    });
  },
  async open(heldGroup, { bytes, place, stateHash }) {
    const group = opened(heldGroup);
    if (group.own === null) return fail("removed");
    const message = fromBytes(bytes, "message");
    if (message === null) return fail("malformed");
    if (!isSame(message, group)) return fail("wrong_group");
    if (message.epoch !== place.epoch) return fail("wrong_position");
    if (message.epoch > group.epoch) return fail("epoch_ahead");
    if (message.epoch < group.epoch)
      return fail(message.epoch < group.joinedEpoch ? "before_join" : "epoch_passed");
    if (message.messageId !== place.messageId || message.baseSeq >= place.seq) return fail("wrong_position");
    const leaf = findLeaf(group, message.sender);
    if (leaf === -1) return fail("unknown_leaf");
    if (deviceKey(message.sender) !== deviceKey(place.sender)) return fail("wrong_device");
    if (leaf === group.own) return fail("own_message");
    const { next, skipped } = group.counts[leaf] ?? unused;
    if (message.count < next && !skipped.includes(message.count)) return fail("replayed");
    if (message.count - next > ratchetConfig.maximumForwardRatchetSteps) return fail("ratchet_gap");
    if (message.secret !== group.secret) return fail("decrypt_failed");
    if (stateHash !== null && hex.encode(stateHash) !== message.stateHash) return fail("state_mismatch");
    const { messageId, baseSeq, baseHash } = message;
    return good({
      content: base64.decode(message.content),
      k: new Uint8Array(32),
      position: { messageId, baseSeq, baseHash: hex.decode(baseHash) },
      stateHash: hex.decode(message.stateHash),
      ...step(group, leaf, counted({ next, skipped }, message.count)),
    });
  },
};

function counted({ next, skipped }: CheapCount, count: number): CheapCount {
  if (count < next) return { next, skipped: skipped.filter((other) => other !== count) };
  const overtaken = Array.from({ length: count - next }, (_, index) => next + index);
  return {
    next: count + 1,
    skipped: [...skipped, ...overtaken].slice(-ratchetConfig.retainKeysForGenerations),
  };
}

function step(
  group: CheapGroup,
  leafIndex: number,
  count: CheapCount,
): { ratchet: Ratchet; version: string } {
  const bytes = new TextEncoder().encode(JSON.stringify(count));
  return {
    ratchet: { epoch: group.epoch, leafIndex, bytes },
    version: `${group.epoch}.${leafIndex}.${count.next}.${count.skipped.length}`,
  };
}
