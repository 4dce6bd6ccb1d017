/** A group of the cheap engine: what MLS's state would be, in the open, and how a commit changes it (RFC 9420, 12.1). */

import { sha256 } from "@noble/hashes/sha2.js";
import { hex } from "@scure/base";
import type { ChatKind, HeldGroup } from "../../src/client/crypto/port.ts";
import type { Suite } from "../../src/mls-guard/leaf.ts";
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";
import { type CheapCommit, type CheapGroupId, type CheapTree, toBytes } from "./cheap-mls.ts";

export interface CheapGroup extends CheapGroupId {
  kind: ChatKind;
  suite: Suite;
  epoch: number;
  joinedEpoch: number;
  leaves: (DeviceRef | null)[];
  /** Null once this device was removed, and before it came in. */
  own: number | null;
  secret: string;
  transcript: string;
  /** The ratchet of each leaf in this epoch. */
  counts: Record<number, CheapCount>;
}

export interface CheapCount {
  next: number;
  /** Counts that were overtaken and can still be opened, lowest first. */
  skipped: number[];
}

export function freshSecret(): string {
  return hex.encode(crypto.getRandomValues(new Uint8Array(12)));
}

export function isSame(one: CheapGroupId, other: CheapGroupId): boolean {
  return one.conversationId === other.conversationId && one.generation === other.generation;
}

/** −1 when it has none. */
export function findLeaf({ leaves }: Pick<CheapTree, "leaves">, device: DeviceRef): number {
  return leaves.findIndex((leaf) => leaf !== null && deviceKey(leaf) === deviceKey(device));
}

export function withChange(group: CheapGroup, commit: CheapCommit): CheapGroup {
  const leaves = group.leaves.map((leaf, index) => (commit.removedLeaves.includes(index) ? null : leaf));
  while (leaves.at(-1) === null) leaves.pop();
  const coming = commit.added.map(({ device }) => device);
  if (commit.senderLeaf === null) coming.push(commit.committer);
  for (const device of coming) {
    const blank = leaves.indexOf(null);
    if (blank === -1) leaves.push(device);
    else leaves[blank] = device;
  }
  const isOwnGone = group.own !== null && commit.removedLeaves.includes(group.own);
  return {
    ...group,
    leaves,
    own: isOwnGone ? null : group.own,
    epoch: group.epoch + 1,
    secret: commit.secret,
    transcript: hex.encode(sha256(toBytes(commit))),
    counts: {},
  };
}

export function held(group: CheapGroup): HeldGroup {
  const { conversationId, generation, kind, suite, epoch, joinedEpoch, leaves } = group;
  return {
    conversationId,
    generation,
    kind,
    suite,
    epoch,
    joinedEpoch,
    devices: leaves.filter((leaf) => leaf !== null),
    version: `${epoch}`,
    state: new TextEncoder().encode(JSON.stringify(group)),
    ratchets: [],
  };
}

export function opened({ state, ratchets }: HeldGroup): CheapGroup {
  const group = JSON.parse(new TextDecoder().decode(state)) as CheapGroup;
  const counts = { ...group.counts };
  for (const { epoch, leafIndex, bytes } of ratchets)
    if (epoch === group.epoch) counts[leafIndex] = JSON.parse(new TextDecoder().decode(bytes));
  return { ...group, counts };
}
