/**
 * A group as bytes. The whole of it when an epoch begins; a message afterwards changes one leaf's ratchet only, and that
 * is all that needs saving: 76 bytes with the classical suite, whatever the group's size.
 *
 * group: version 1 · kind 1 · joined epoch 8 · the library's encoding of the state
 */
import { decodeGroupState, encodeGroupState } from "ts-mls";
import { encode } from "ts-mls/codec/tlsEncoder.js";
import { decodeSecretTreeNode, secretTreeNodeEncoder } from "ts-mls/secretTree.js";
import { concat, uint32, uint64 } from "../../mls-guard/bytes.ts";
import { readGroupId } from "../../mls-guard/group-id.ts";
import { Reader } from "../../mls-guard/reader.ts";
import type { PendingCommit } from "./commit.ts";
import { attempt, fail, type Result } from "./failures.ts";
import { epochOf, type Group, libraryConfig } from "./group.ts";

import { type GroupKind, suiteNamed } from "./suites.ts";

const version = 1;
const headBytes = 1 + 1 + 8;
const kinds: readonly GroupKind[] = ["direct", "group"];

/** Of one leaf and epoch the newest counts; those of another epoch than the stored group's are dropped. */
export interface RatchetChange {
  epoch: number;
  leafIndex: number;
  bytes: Uint8Array;
}

export function ratchetChange(group: Group, leafIndex: number): RatchetChange {
  const node = group.state.secretTree[2 * leafIndex] ?? fail("unknown_leaf");
  return { epoch: epochOf(group), leafIndex, bytes: encode(secretTreeNodeEncoder)(node) };
}

export function encodeGroup(group: Group): Uint8Array {
  const head = new Uint8Array([version, kinds.indexOf(group.kind)]);
  return concat(head, uint64(group.joinedEpoch), encodeGroupState(group.state));
}

export function decodeGroup(
  bytes: Uint8Array,
  changes: readonly RatchetChange[] = [],
): Promise<Result<Group>> {
  return attempt("state_unreadable", () => {
    const reader = new Reader(bytes);
    if (reader.uint8() !== version) fail("state_unreadable");
    const kind = kinds[reader.uint8()] ?? fail("state_unreadable");
    const joinedEpoch = reader.uint64();
    // A copy of its own: the library's values are views of it, and wiping one must not reach the caller's bytes.
    const decoded = decodeGroupState(bytes.slice(headBytes), 0)?.[0] ?? fail("state_unreadable");
    const suite = suiteNamed(decoded.groupContext.cipherSuite);
    if (suite === null) fail("state_unreadable");
    const { conversationId, generation } = readGroupId(decoded.groupContext.groupId);
    const state = { ...decoded, clientConfig: libraryConfig };
    return withChanges({ conversationId, generation, kind, suite, joinedEpoch, state }, changes);
  });
}

function withChanges(group: Group, changes: readonly RatchetChange[]): Group {
  const secretTree = group.state.secretTree.slice();
  for (const { epoch, leafIndex, bytes } of changes) {
    if (epoch !== epochOf(group)) continue;
    if (secretTree[2 * leafIndex] === undefined) fail("state_unreadable");
    secretTree[2 * leafIndex] = decodeSecretTreeNode(bytes.slice(), 0)?.[0] ?? fail("state_unreadable");
  }
  return { ...group, state: { ...group.state, secretTree } };
}

/** Each field after its length; an empty one stands for null, which neither Welcome nor state can be. */
export function encodePending(pending: PendingCommit): Uint8Array {
  const { bytes, hash, baseEpoch, welcome, groupInfo, tree, sealedState, next } = pending;
  const empty = new Uint8Array();
  const fields = [bytes, hash, welcome ?? empty, groupInfo, tree, sealedState ?? empty, encodeGroup(next)];
  return concat(uint64(baseEpoch), ...fields.flatMap((field) => [uint32(field.length), field]));
}

export function decodePending(stored: Uint8Array): Promise<Result<PendingCommit>> {
  return attempt("state_unreadable", async () => {
    const reader = new Reader(stored);
    const baseEpoch = reader.uint64();
    const field = () => reader.bytes(reader.uint32()).slice();
    const [bytes, hash, welcome, groupInfo, tree, sealedState] = [
      field(),
      field(),
      field(),
      field(),
      field(),
      field(),
    ] as const;
    const next = await decodeGroup(field());
    if (next.failure !== null) return fail("state_unreadable");
    reader.end();
    return {
      bytes,
      hash,
      baseEpoch,
      welcome: welcome.length === 0 ? null : welcome,
      groupInfo,
      tree,
      sealedState: sealedState.length === 0 ? null : sealedState,
      next: next.value,
    };
  });
}
