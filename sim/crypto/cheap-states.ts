/** The group's state and leave statements of the cheap engine, in the open. */
import { sha256 } from "@noble/hashes/sha2.js";
import { hex } from "@scure/base";
import type { CryptoPort, DeviceKeys, HeldGroup } from "../../src/client/crypto/port.ts";
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";
import { type CheapGroup, findLeaf, opened } from "./cheap-group.ts";
import { fail, good } from "./outcome.ts";

/** Random, before the content of a state document. */
const headBytes = 32;

export const states: Pick<CryptoPort, "openState" | "makeState" | "readState" | "signLeave" | "isLeave"> = {
  async openState(heldGroup, { sealed: bytes, hash }) {
    const { secret } = opened(heldGroup);
    const document = bytes.slice(secret.length);
    if (new TextDecoder().decode(bytes.slice(0, secret.length)) !== secret) return fail("decrypt_failed");
    return hex.encode(sha256(document)) === hex.encode(hash) ? good(document) : fail("state_mismatch");
  },
  async makeState(content) {
    const document = new Uint8Array(headBytes + content.length);
    crypto.getRandomValues(document.subarray(0, headBytes));
    document.set(content, headBytes);
    return { document, hash: sha256(document) };
  },
  async readState(document) {
    if (document.length < headBytes) return null;
    return { content: document.slice(headBytes), hash: sha256(document) };
  },
  async signLeave(heldGroup, { device }: DeviceKeys) {
    const group = opened(heldGroup);
    return group.own === null ? fail("removed") : good(leaveSignature(group, device, group.epoch));
  },
  async isLeave(heldGroup, { device, epoch, signature }) {
    const group = opened(heldGroup);
    const isKnown = findLeaf(group, device) !== -1 && epoch <= group.epoch;
    return isKnown && hex.encode(signature) === hex.encode(leaveSignature(group, device, epoch));
  },
};

function leaveSignature(group: CheapGroup | HeldGroup, device: DeviceRef, epoch: number): Uint8Array {
  const said = `leave/${group.conversationId}/${group.generation}/${epoch}/${deviceKey(device)}`;
  const digest = sha256(new TextEncoder().encode(said));
  return new Uint8Array([...digest, ...digest]);
}
