/**
 * A ratchet tree as RFC 9420 (7.8, 12.4.3.3) writes it, before the library sees it: an unmerged leaf out of range makes
 * the library fill the memory. Structure only; hashes and signatures are the library's to check.
 */
import { deviceKey } from "../protocol/ids.ts";
import { mlsBounds } from "./bounds.ts";
import { type LeafView, readLeaf } from "./leaf.ts";
import { Reader } from "./reader.ts";
import { refuse } from "./refusal.ts";

type Node = { leaf: LeafView } | { encryptionKey: Uint8Array; unmergedLeaves: number[] };

/** The leaves by their index; null where there is none. */
export type TreeView = { leaves: (LeafView | null)[] };

export function readTree(bytes: Uint8Array): TreeView {
  const reader = new Reader(bytes, mlsBounds.treeBytesMax);
  const nodes = reader.items(mlsBounds.treeBytesMax, mlsBounds.treeNodesMax, (node) =>
    node.optional(readNode),
  );
  reader.end();
  if (nodes.length % 2 === 0 || nodes.at(-1) === null) refuse("bad_tree");
  checkKeys(nodes);
  const leaves: (LeafView | null)[] = [];
  for (const [index, node] of nodes.entries()) {
    if (index % 2 === 0) leaves.push(leafAt(node));
    else if (node !== null) checkParent(node, index, nodes);
  }
  checkDevices(leaves);
  return { leaves };
}

function readNode(reader: Reader): Node {
  const type = reader.uint8();
  if (type === 1) return { leaf: readLeaf(reader) };
  if (type !== 2) refuse("malformed");
  const encryptionKey = reader.vector(mlsBounds.keyBytesMax);
  reader.vector(64);
  const unmergedLeaves = reader.items(4 * mlsBounds.leavesMax, mlsBounds.leavesMax, (item) => item.uint32());
  return { encryptionKey, unmergedLeaves };
}

function leafAt(node: Node | null): LeafView | null {
  if (node === null) return null;
  if (!("leaf" in node)) refuse("bad_tree");
  // An Update proposal does not exist here, so no leaf can come from one.
  if (node.leaf.source === "update") refuse("bad_tree");
  return node.leaf;
}

function checkParent(node: Node, index: number, nodes: readonly (Node | null)[]): void {
  if ("leaf" in node) refuse("bad_tree");
  // A node of level k with index i has the leaves from (i + 1 − 2^k) / 2 on, 2^k of them.
  const width = (index + 1) & -(index + 1);
  const first = (index + 1 - width) / 2;
  let previous = -1;
  for (const leaf of node.unmergedLeaves) {
    const isBelow = leaf >= first && leaf < first + width;
    if (!isBelow || leaf <= previous || (nodes[2 * leaf] ?? null) === null) refuse("unmerged_leaves");
    previous = leaf;
  }
}

function checkKeys(nodes: readonly (Node | null)[]): void {
  const keys = nodes.flatMap((node) => {
    if (node === null) return [];
    return [("leaf" in node ? node.leaf.encryptionKey : node.encryptionKey).join()];
  });
  if (new Set(keys).size < keys.length) refuse("bad_tree");
}

/** [E5] One leaf for a device, one device for a signature key. */
function checkDevices(leaves: readonly (LeafView | null)[]): void {
  const held = leaves.filter((leaf) => leaf !== null);
  const devices = new Set(held.map((leaf) => deviceKey(leaf.credential.device)));
  const signatureKeys = new Set(held.map((leaf) => leaf.signatureKey.join()));
  if (devices.size < held.length || signatureKeys.size < held.length) refuse("bad_tree");
}
