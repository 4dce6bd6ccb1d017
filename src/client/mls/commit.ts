/**
 * Commits by a member: Add, Remove or neither, by value, with a path always (E11). A commit made is only pending: it
 * is stored with its new state before it is sent (E8) and adopted when it comes back in the log (accept-commit.ts);
 * whoever loses the race drops it.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { createCommit, createGroup, encodeMlsMessage, type Proposal, type Welcome } from "ts-mls";
import { encodeAuthenticatedData, type LogPosition } from "../../mls-guard/authenticated-data.ts";
import { encodeGroupId, type Generation } from "../../mls-guard/group-id.ts";
import type { DeviceRef } from "../../protocol/ids.ts";
import { attempt, fail, type Result } from "./failures.ts";
import {
  assertActive,
  epochOf,
  type Group,
  leafOf,
  leavesOf,
  libraryConfig,
  ownLeafIndex,
  settled,
} from "./group.ts";
import { encodeGroupInfo, encodeTree } from "./group-info.ts";
import type { Device } from "./identity.ts";
import { type ClaimedKeyPackage, decodeKeyPackage, makeKeyPackage, privateKeysOf } from "./key-packages.ts";
import { leafLimits } from "./leaf-limits.ts";
import { sealState, stateHash } from "./sealed-state.ts";
import { type GroupKind, implementationOf, suiteFor } from "./suites.ts";

/** Everything that one transaction of the server accepts together (E2), and the state it leads to. */
export interface PendingCommit {
  bytes: Uint8Array;
  /** SHA-256 of `bytes`: how one's own commit is recognised in the log. */
  hash: Uint8Array;
  baseEpoch: number;
  /** For all that were added, or null. Without the tree. */
  welcome: Uint8Array | null;
  /** Of the new epoch, without the tree. */
  groupInfo: Uint8Array;
  /** Of the new epoch: a joiner needs it beside Welcome or GroupInfo. */
  tree: Uint8Array;
  /** Null when a joiner does not know the state yet (E16). */
  sealedState: Uint8Array | null;
  next: Group;
}

/** A generation with this device alone, of epoch 0. Nobody else hears of it before its first commit. */
export function found(
  device: Device,
  options: Generation & { kind: GroupKind; nowMs: number },
): Promise<Result<Group>> {
  return attempt("malformed", async () => {
    const { conversationId, generation, kind, nowMs } = options;
    const suite = suiteFor(kind);
    const own = await makeKeyPackage(device, { suite, isLastResort: false, nowMs });
    const state = await createGroup(
      encodeGroupId(options),
      decodeKeyPackage(own.bytes),
      privateKeysOf(own, device),
      [],
      await implementationOf(suite),
      libraryConfig,
    );
    return { conversationId, generation, kind, suite, joinedEpoch: 0, state };
  });
}

export interface Change {
  add?: readonly ClaimedKeyPackage[];
  remove?: readonly DeviceRef[];
  /** The group's state after this commit (sealed-state.ts). */
  stateDocument: Uint8Array;
  position: LogPosition;
}

export function makeCommit(group: Group, change: Change): Promise<Result<PendingCommit>> {
  return attempt("commit_unprocessable", async () => {
    assertActive(group);
    const implementation = await implementationOf(group.suite);
    const made = await createCommit(
      { state: group.state, cipherSuite: implementation },
      {
        wireAsPublicMessage: true,
        forceUpdatePath: true,
        extraProposals: proposalsFor(group, change),
        authenticatedData: encodeAuthenticatedData({
          kind: "commit",
          ...change.position,
          stateHash: stateHash(change.stateDocument),
        }),
      },
    );
    const next = { ...group, state: settled(made.newState) };
    return await pendingFrom(encodeMlsMessage(made.commit), epochOf(group), next, {
      welcome: made.welcome,
      stateDocument: change.stateDocument,
    });
  });
}

function proposalsFor(group: Group, { add = [], remove = [] }: Change): Proposal[] {
  if (add.length > leafLimits.addsPerCommitMax) fail("too_large");
  if (leavesOf(group).length + add.length - remove.length > leafLimits.leavesMax) fail("too_many_leaves");
  const removes = remove.map((device): Proposal => {
    const leaf = leafOf(group, device) ?? fail("unknown_leaf");
    if (leaf.index === ownLeafIndex(group)) fail("forbidden_change");
    return { proposalType: "remove", remove: { removed: leaf.index } };
  });
  const gone = new Set(removes.map((proposal) => ("remove" in proposal ? proposal.remove.removed : -1)));
  const adds = add.map(({ identity, keyPackage }): Proposal => {
    const held = leafOf(group, identity.device);
    if (held !== null && !gone.has(held.index)) fail("duplicate_leaf");
    return { proposalType: "add", add: { keyPackage } };
  });
  return [...removes, ...adds];
}

export async function pendingFrom(
  bytes: Uint8Array,
  baseEpoch: number,
  next: Group,
  more: { welcome: Welcome | undefined; stateDocument: Uint8Array | null },
): Promise<PendingCommit> {
  const { welcome, stateDocument } = more;
  return {
    bytes,
    hash: sha256(bytes),
    baseEpoch,
    welcome:
      welcome === undefined
        ? null
        : encodeMlsMessage({ version: "mls10", wireformat: "mls_welcome", welcome }),
    groupInfo: await encodeGroupInfo(next),
    tree: encodeTree(next),
    sealedState: stateDocument === null ? null : await sealState(next, stateDocument),
    next,
  };
}
