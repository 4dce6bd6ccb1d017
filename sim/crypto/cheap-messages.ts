/** Messages of the cheap engine: a count per leaf and epoch is the ratchet. */
import { base64, hex } from "@scure/base";
import type { CryptoPort, Ratchet } from "../../src/client/crypto/port.ts";
import { deviceKey } from "../../src/protocol/ids.ts";
import { type CheapGroup, findLeaf, isSame, opened } from "./cheap-group.ts";
import { fromBytes, toBytes } from "./cheap-mls.ts";
import { fail, good } from "./outcome.ts";

const stepsAheadMax = 1_000;

export const messages: Pick<CryptoPort, "encrypt" | "open"> = {
  async encrypt(heldGroup, { content, position, stateHash }) {
    const group = opened(heldGroup);
    if (group.own === null) return fail("removed");
    const sender = group.leaves[group.own];
    if (sender == null) return fail("unknown_leaf");
    const count = group.counts[group.own] ?? 0;
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
    return good({ bytes, k: new Uint8Array(32), ...step(group, group.own, count + 1) });
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
    const next = group.counts[leaf] ?? 0;
    if (message.count < next) return fail("replayed");
    if (message.count - next > stepsAheadMax) return fail("ratchet_gap");
    if (message.secret !== group.secret) return fail("decrypt_failed");
    if (stateHash !== null && hex.encode(stateHash) !== message.stateHash) return fail("state_mismatch");
    const { messageId, baseSeq, baseHash } = message;
    return good({
      content: base64.decode(message.content),
      k: new Uint8Array(32),
      position: { messageId, baseSeq, baseHash: hex.decode(baseHash) },
      stateHash: hex.decode(message.stateHash),
      ...step(group, leaf, message.count + 1),
    });
  },
};

function step(group: CheapGroup, leafIndex: number, count: number): { ratchet: Ratchet; version: string } {
  const bytes = new TextEncoder().encode(String(count));
  return {
    ratchet: { epoch: group.epoch, leafIndex, bytes },
    version: `${group.epoch}.${leafIndex}.${count}`,
  };
}
