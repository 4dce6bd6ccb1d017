/**
 * Application messages. Sending: pad, commit to the content, sign where one stands in the log, encrypt. Receiving asks
 * everything that can be asked before a key is used: structure, group, epoch, who signed, where it claims to stand. What
 * accuses somebody (a fork, another state) is asked after the signature was verified.
 */

import type { PrivateMessage } from "ts-mls";
import {
  createApplicationMessage,
  decodeMlsMessage,
  emptyPskIndex,
  encodeMlsMessage,
  processMessage,
} from "ts-mls";
import { decryptSenderData } from "ts-mls/privateMessage.js";
import {
  encodeAuthenticatedData,
  type LogPosition,
  type MessageData,
  readMessageData,
} from "../../mls-guard/authenticated-data.ts";
import { isEqual } from "../../mls-guard/bytes.ts";
import { encodeGroupId } from "../../mls-guard/group-id.ts";
import { type MessageView, readMessage } from "../../mls-guard/messages.ts";
import { attempt, fail, type Result } from "./failures.ts";
import {
  assertActive,
  epochOf,
  type Group,
  isSameDevice,
  leafAt,
  ownLeafIndex,
  ratchetConfig,
} from "./group.ts";
import { commitmentOf, open, seal } from "./padding.ts";
import { checkClaim, compareLogs, type EntryPlace } from "./place.ts";
import { type RatchetChange, ratchetChange } from "./serialization.ts";
import { implementationOf } from "./suites.ts";

export interface SentMessage {
  group: Group;
  /** All that changed: stored before the bytes are sent (E8). */
  change: RatchetChange;
  bytes: Uint8Array;
  /** For the sender's own record of what it wrote, and a report (E20). */
  k: Uint8Array;
  spent: Uint8Array[];
}

export function sendMessage(
  group: Group,
  content: Uint8Array,
  options: { position: LogPosition; stateHash: Uint8Array },
): Promise<Result<SentMessage>> {
  return attempt("malformed", async () => {
    assertActive(group);
    const { padded, k, commitment } = seal(content);
    const { position, stateHash } = options;
    const data = encodeAuthenticatedData({ kind: "message", ...position, stateHash, commitment });
    const implementation = await implementationOf(group.suite);
    const sent = await createApplicationMessage(group.state, padded, implementation, data);
    const { privateMessage } = sent;
    const bytes = encodeMlsMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage });
    const next = { ...group, state: sent.newState };
    return { group: next, change: ratchetChange(next, ownLeafIndex(group)), bytes, k, spent: sent.consumed };
  });
}

export interface ReceivedMessage {
  group: Group;
  change: RatchetChange;
  content: Uint8Array;
  k: Uint8Array;
  data: MessageData;
  /** False where the sender's log could not be compared with one's own (E13). */
  isLogCompared: boolean;
  spent: Uint8Array[];
}

/** `stateHash`: of the group's state as this device knows it, or null while it waits for it (E16). */
export function receiveMessage(
  group: Group,
  bytes: Uint8Array,
  context: { place: EntryPlace; stateHash: Uint8Array | null },
): Promise<Result<ReceivedMessage>> {
  return attempt("decrypt_failed", async () => {
    const { place, stateHash } = context;
    assertActive(group);
    checkEpoch(group, readMessage(bytes), place);
    const data = readMessageData(readMessage(bytes).authenticatedData);
    checkClaim(data, place);
    const message = decodeMlsMessage(bytes, 0)?.[0];
    if (message?.wireformat !== "mls_private_message") fail("malformed");
    const leafIndex = await checkSender(group, message.privateMessage, place);
    const implementation = await implementationOf(group.suite);
    const result = await processMessage(message, group.state, emptyPskIndex, () => "reject", implementation);
    if (result.kind !== "applicationMessage") fail("wrong_wire_format");
    const isLogCompared = compareLogs(data, place);
    if (stateHash !== null && !isEqual(stateHash, data.stateHash)) fail("state_mismatch");
    const { content, k } = open(result.message);
    if (!isEqual(commitmentOf(k, content), data.commitment)) fail("commitment_mismatch");
    const next = { ...group, state: result.newState };
    const change = ratchetChange(next, leafIndex);
    return { group: next, change, content, k, data, isLogCompared, spent: result.consumed };
  });
}

function checkEpoch(group: Group, view: MessageView, place: EntryPlace): void {
  if (!isEqual(view.groupId, encodeGroupId(group))) fail("wrong_group");
  if (view.epoch !== place.epoch) fail("wrong_position");
  if (view.epoch > epochOf(group)) fail("epoch_ahead");
  if (view.epoch < epochOf(group)) fail(view.epoch < group.joinedEpoch ? "before_join" : "epoch_passed");
}

/** Before a ratchet is touched. Gives the leaf that signed, as the sender data says; the signature proves it later. */
async function checkSender(group: Group, message: PrivateMessage, place: EntryPlace): Promise<number> {
  const { senderDataSecret } = group.state.keySchedule;
  const sender = await decryptSenderData(message, senderDataSecret, await implementationOf(group.suite));
  if (sender === undefined) fail("decrypt_failed");
  const leaf = leafAt(group, sender.leafIndex) ?? fail("unknown_leaf");
  if (!isSameDevice(leaf.device, place.sender)) fail("wrong_device");
  if (leaf.index === ownLeafIndex(group)) fail("own_message");
  const ratchet = group.state.secretTree[2 * leaf.index]?.application ?? fail("unknown_leaf");
  const ahead = sender.generation - ratchet.generation;
  if (ahead < 0 && ratchet.unusedGenerations[sender.generation] === undefined) fail("replayed");
  if (ahead > ratchetConfig.maximumForwardRatchetSteps) fail("ratchet_gap");
  return leaf.index;
}
