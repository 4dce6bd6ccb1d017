/** GroupInfo and tree as they lie at the server for joiners, and their way back through the guards. */
import {
  createGroupInfoWithExternalPub,
  decodeMlsMessage,
  encodeMlsMessage,
  type GroupInfo,
  type RatchetTree,
} from "ts-mls";
import { decodeRatchetTree, encodeRatchetTree } from "ts-mls/ratchetTree.js";
import type { LeafView } from "../../mls-guard/leaf.ts";
import { readTree } from "../../mls-guard/tree.ts";
import type { DeviceRef } from "../../protocol/ids.ts";
import { fail } from "./failures.ts";
import type { Group } from "./group.ts";
import { identityOf, type Judge } from "./identity.ts";
import { implementationOf } from "./suites.ts";

export async function encodeGroupInfo(group: Group): Promise<Uint8Array> {
  const groupInfo = await createGroupInfoWithExternalPub(
    group.state,
    [],
    await implementationOf(group.suite),
  );
  return encodeMlsMessage({ version: "mls10", wireformat: "mls_group_info", groupInfo });
}

/** The bytes have passed readGroupInfo. */
export function decodeGroupInfo(bytes: Uint8Array): GroupInfo {
  const message = decodeMlsMessage(bytes, 0)?.[0];
  return message?.wireformat === "mls_group_info" ? message.groupInfo : fail("malformed");
}

export function encodeTree(group: Group): Uint8Array {
  return encodeRatchetTree(group.state.ratchetTree);
}

/** Guarded first; every leaf is one that the judge accepts. The certificates are checked by the library, with the tree. */
export function openTree(bytes: Uint8Array, judge: Judge): OpenedTree {
  const { leaves: places } = readTree(bytes);
  const leaves = places.filter((leaf) => leaf !== null);
  if (leaves.some((leaf) => !judge.acceptsLeaf(identityOf(leaf)))) fail("untrusted_leaf");
  const tree = decodeRatchetTree(bytes, 0)?.[0] ?? fail("malformed");
  return { tree, leaves, deviceAt: (index) => places[index]?.credential.device ?? null };
}

export interface OpenedTree {
  tree: RatchetTree;
  leaves: LeafView[];
  deviceAt(leafIndex: number): DeviceRef | null;
}
