/** A commit as RFC 9420 (6, 12.4) writes it, read by ourselves, whole and within bounds. */
import { mlsBounds } from "./bounds.ts";
import { type KeyPackageView, type LeafView, readKeyPackage, readLeaf, readVersion } from "./leaf.ts";
import { Reader } from "./reader.ts";
import { refuse } from "./refusal.ts";

export interface PathView {
  leaf: LeafView;
  /** From the leaf's parent up: the new public key of each node. */
  nodeKeys: Uint8Array[];
  ciphertextCount: number;
}

export interface CommitView {
  groupId: Uint8Array;
  epoch: number;
  /** A member's leaf index; null for somebody who joins by this commit. */
  senderLeaf: number | null;
  authenticatedData: Uint8Array;
  adds: KeyPackageView[];
  removes: number[];
  externalInits: number;
  path: PathView;
  confirmationTag: Uint8Array;
  /** Wire format, content and signature: what the transcript hash takes in (8.2). */
  transcriptInput: Uint8Array;
}

type Proposal = { add: KeyPackageView } | { remove: number } | { externalInit: Uint8Array };

/** Refuses whatever E11 forbids already in form: other wire formats, senders, proposals, references, a missing path. */
export function readCommit(bytes: Uint8Array): CommitView {
  const reader = new Reader(bytes, mlsBounds.commitBytesMax);
  readVersion(reader);
  const start = reader.at;
  if (reader.uint16() !== 1) refuse("wrong_wire_format");
  const groupId = reader.vector(64);
  const epoch = reader.uint64();
  const senderLeaf = readSender(reader);
  const authenticatedData = reader.vector(256);
  if (reader.uint8() !== 3) refuse("forbidden_proposal");
  const proposals = reader.items(mlsBounds.commitBytesMax, mlsBounds.proposalsPerCommitMax, readProposal);
  const path = reader.optional(readPath) ?? refuse("no_path");
  reader.vector(mlsBounds.signatureBytesMax);
  const transcriptInput = reader.slice(start, reader.at);
  const confirmationTag = reader.vector(64);
  if (senderLeaf !== null) reader.vector(64);
  reader.end();
  return {
    groupId,
    epoch,
    senderLeaf,
    authenticatedData,
    adds: proposals.flatMap((proposal) => ("add" in proposal ? [proposal.add] : [])),
    removes: proposals.flatMap((proposal) => ("remove" in proposal ? [proposal.remove] : [])),
    externalInits: proposals.filter((proposal) => "externalInit" in proposal).length,
    path,
    confirmationTag,
    transcriptInput,
  };
}

function readSender(reader: Reader): number | null {
  const type = reader.uint8();
  if (type === 1) return reader.uint32();
  return type === 4 ? null : refuse("forbidden_sender");
}

function readProposal(reader: Reader): Proposal {
  if (reader.uint8() !== 1) refuse("by_reference");
  const type = reader.uint16();
  if (type === 1) return { add: readKeyPackage(reader) };
  if (type === 3) return { remove: reader.uint32() };
  if (type === 6) return { externalInit: reader.vector(mlsBounds.keyBytesMax) };
  return refuse("forbidden_proposal");
}

function readPath(reader: Reader): PathView {
  const leaf = readLeaf(reader);
  if (leaf.source !== "commit") refuse("malformed");
  let ciphertextCount = 0;
  const nodeKeys = reader.items(mlsBounds.commitBytesMax, mlsBounds.pathNodesMax, (node) => {
    const key = node.vector(mlsBounds.keyBytesMax);
    ciphertextCount += node.items(mlsBounds.commitBytesMax, mlsBounds.leavesMax, readCiphertext).length;
    return key;
  });
  if (ciphertextCount > mlsBounds.leavesMax) refuse("too_large");
  return { leaf, nodeKeys, ciphertextCount };
}

export function readCiphertext(reader: Reader): void {
  reader.vector(mlsBounds.keyBytesMax);
  reader.vector(mlsBounds.keyBytesMax);
}
