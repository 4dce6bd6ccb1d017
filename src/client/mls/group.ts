/**
 * A group as this device holds it: a value. Every operation takes one and gives a new one; the old stays usable until
 * the caller has stored the new (E8). `state` is the library's and no business of anybody outside this folder.
 */
import type { ClientConfig, ClientState, LeafNode } from "ts-mls";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import { readCredential } from "../../mls-guard/credential.ts";
import type { Generation } from "../../mls-guard/group-id.ts";
import type { Suite } from "../../mls-guard/leaf.ts";
import { type DeviceRef, deviceKey } from "../../protocol/ids.ts";
import { limits } from "../../protocol/limits.ts";
import { fail } from "./failures.ts";
import { holdsCertificate } from "./identity.ts";
import type { GroupKind } from "./suites.ts";

export interface Group extends Generation {
  readonly kind: GroupKind;
  readonly suite: Suite;
  /** Of the first epoch this device can read. */
  readonly joinedEpoch: number;
  readonly state: ClientState;
}

export interface GroupLeaf {
  index: number;
  device: DeviceRef;
  node: LeafNode;
}

/** A sender may lose what it encrypted and never sent, so ratchets are followed over gaps; skipped keys are few. */
export const ratchetConfig = {
  // A frame lost on its way is overtaken by what else its device had in flight: all of those keys must still be there.
  retainKeysForGenerations: 2 * limits.outboxInFlightMax,
  /** Zero does not work there: the library then keeps every epoch. settled() drops them. */
  retainKeysForEpochs: 1,
  maximumForwardRatchetSteps: 1_000,
} as const;

export const libraryConfig: ClientConfig = {
  ...defaultClientConfig,
  keyRetentionConfig: ratchetConfig,
  // Content is padded by ourselves [E1]; the library's own padding ends at 256 bytes.
  paddingConfig: { kind: "alwaysPad", paddingLength: 0 },
  authService: {
    async validateCredential(credential, leafKey) {
      return credential.credentialType === "basic" && (await holdsCertificate(credential.identity, leafKey));
    },
  },
};

/** [E3] No old epoch's keys are kept: entries come in order. */
export function settled(state: ClientState): ClientState {
  return { ...state, historicalReceiverData: new Map() };
}

export function epochOf(group: Group): number {
  return Number(group.state.groupContext.epoch);
}
export function ownLeafIndex(group: Group): number {
  return group.state.privatePath.leafIndex;
}
export function isRemoved(group: Group): boolean {
  return group.state.groupActiveState.kind !== "active";
}

export function leafAt(group: Group, index: number): GroupLeaf | null {
  const node = group.state.ratchetTree[2 * index];
  if (node?.nodeType !== "leaf" || node.leaf.credential.credentialType !== "basic") return null;
  return { index, device: readCredential(node.leaf.credential.identity).device, node: node.leaf };
}

export function leavesOf(group: Group): GroupLeaf[] {
  const leaves: GroupLeaf[] = [];
  for (let index = 0; 2 * index < group.state.ratchetTree.length; index++) {
    const leaf = leafAt(group, index);
    if (leaf !== null) leaves.push(leaf);
  }
  return leaves;
}

export function devicesOf(group: Group): DeviceRef[] {
  return leavesOf(group).map((leaf) => leaf.device);
}

export function leafOf(group: Group, device: DeviceRef): GroupLeaf | null {
  return leavesOf(group).find((leaf) => deviceKey(leaf.device) === deviceKey(device)) ?? null;
}

export function isSameDevice(one: DeviceRef, other: DeviceRef): boolean {
  return deviceKey(one) === deviceKey(other);
}

export function assertActive(group: Group): void {
  if (isRemoved(group)) fail("removed");
}
