/**
 * What is to be appended, from whichever path it came, with its bytes decoded before the transaction: what does not
 * decode must not throw inside it and take its neighbours along [L2].
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { base64, base64urlnopad } from "@scure/base";
import type { z } from "zod";
import type {
  Blob as BlobRef,
  CommitObjects,
  leaveRequestSchema,
  RosterChange,
} from "../../src/protocol/mls.ts";
import type { CommitCall, FoundCall, Submission } from "../rpc.ts";

interface Common {
  message_id: string;
  generation: number;
  epoch: number;
  base_seq: number;
  silent: boolean;
}
export interface MessageDraft extends Common {
  kind: "message";
  envelope: string;
  /** Undefined for base64 that is not canonical: two spellings of one body would not be one body to everybody. */
  body: Uint8Array | undefined;
}
export interface LeaveDraft extends Omit<MessageDraft, "kind"> {
  kind: "leave";
}
export interface CommitDraft extends Common {
  kind: "commit";
  /** [E15] The first commit of a further generation, which `roster_change.add` makes up. */
  isFounding: boolean;
  envelope: BlobRef;
  /** The bytes of the envelope that the row keeps: none when it is named. */
  body: Uint8Array | undefined;
  /** The commit itself; null when it is named and is not there. */
  bytes: Uint8Array | null;
  roster_change: RosterChange;
  objects: DecodedObjects | undefined;
  sealed_state: BlobRef | null;
  areActive: boolean;
}
export type Draft = MessageDraft | CommitDraft | LeaveDraft;

/** An object by its hash; with bytes when they came along, without when it was uploaded before. */
export interface DecodedBlob {
  hash: string;
  size: number;
  bytes: Uint8Array | null;
}
export interface DecodedObjects {
  welcome: DecodedBlob | null;
  groupInfo: Uint8Array;
  tree: DecodedBlob;
  /** What the log itself names: the envelope and the sealed state, where they are large. */
  logged: DecodedBlob[];
}

/** The bytes of what was uploaded; null when they are not there. */
export type FetchBlob = (blob: DecodedBlob) => Promise<Uint8Array | null>;

export function messageDraft(submission: Submission): MessageDraft {
  const { message_id, generation, epoch, base_seq, silent, envelope } = submission;
  return {
    kind: "message",
    message_id,
    generation,
    epoch,
    base_seq,
    silent,
    envelope,
    body: decoded(envelope),
  };
}

export function leaveDraft({ signature, ...common }: z.infer<typeof leaveRequestSchema>): LeaveDraft {
  return { ...common, kind: "leave", silent: true, envelope: signature, body: decoded(signature) };
}

export async function commitDraft(
  { request, areActive }: Pick<CommitCall, "request" | "areActive">,
  fetchBlob: FetchBlob,
  isFounding = false,
): Promise<CommitDraft> {
  const { envelope, roster_change, sealed_state } = request;
  const commit = decodedBlob(envelope);
  return {
    kind: "commit",
    message_id: request.message_id,
    generation: request.generation,
    epoch: request.epoch,
    base_seq: request.base_seq,
    silent: true,
    isFounding,
    envelope,
    body: commit === undefined ? undefined : (commit.bytes ?? new Uint8Array()),
    bytes: commit === undefined ? null : (commit.bytes ?? (await fetchBlob(commit))),
    roster_change,
    objects: decodedObjects(request),
    sealed_state,
    areActive,
  };
}

/** A founding as the commit that it is: by the founder's device, which is the first of those named. */
export function foundingDraft(call: FoundCall, baseSeq: number, fetchBlob: FetchBlob): Promise<CommitDraft> {
  const roster_change = { add: call.devices, remove: [] };
  const request = { ...call, epoch: 0, base_seq: baseSeq, roster_change };
  return commitDraft({ request, areActive: true }, fetchBlob, true);
}

export function draftBytes(draft: Draft): number {
  if (draft.kind !== "commit") return draft.envelope.length;
  const { objects } = draft;
  const blobs = [objects?.welcome, objects?.tree];
  return blobs.reduce((sum, blob) => sum + (blob?.bytes?.length ?? 0), draft.body?.length ?? 0);
}

function decodedObjects(request: CommitObjects & { envelope: BlobRef }): DecodedObjects | undefined {
  const groupInfo = decoded(request.group_info);
  const tree = decodedBlob(request.tree);
  const welcome = request.welcome === null ? null : decodedBlob(request.welcome);
  const logged = [request.envelope, request.sealed_state].map((blob) =>
    blob === null ? null : decodedBlob(blob),
  );
  if (groupInfo === undefined || tree === undefined || welcome === undefined) return undefined;
  if (logged.includes(undefined)) return undefined;
  return {
    welcome,
    groupInfo,
    tree,
    logged: logged.filter((blob) => blob != null && blob.bytes === null) as DecodedBlob[],
  };
}

function decodedBlob(blob: BlobRef): DecodedBlob | undefined {
  if (typeof blob !== "string") return { ...blob, bytes: null };
  const bytes = decoded(blob);
  if (bytes === undefined) return undefined;
  return { hash: hashOf(bytes), size: bytes.length, bytes };
}

export function hashOf(bytes: Uint8Array): string {
  return base64urlnopad.encode(sha256(bytes));
}

function decoded(text: string): Uint8Array | undefined {
  try {
    return base64.decode(text);
  } catch {
    return undefined;
  }
}
