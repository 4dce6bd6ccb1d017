/**
 * What the cheap engine writes in the place of MLS's bytes: JSON that says openly what the real bytes would seal. It
 * keeps the shape (groups, epochs, leaves, who may open what) and none of the secrecy, so that a run costs microseconds
 * where the real thing costs milliseconds; who opens something they should not is found by the checker, not by keys.
 */
import type { Suite } from "../../src/mls-guard/leaf.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";

export interface CheapGroupId {
  conversationId: string;
  generation: number;
}

/** In the clear for everybody, as a PublicMessage is. */
export interface CheapCommit extends CheapGroupId {
  cheap: "commit";
  epoch: number;
  suite: Suite;
  messageId: string;
  baseSeq: number;
  /** Hexadecimal. */
  baseHash: string;
  stateHash: string;
  committer: DeviceRef;
  senderLeaf: number | null;
  added: { device: DeviceRef; packageRef: string }[];
  removedLeaves: number[];
  /** The new epoch's secret; only leaves that stay may look at it. */
  secret: string;
}

export interface CheapMessage extends CheapGroupId {
  cheap: "message";
  epoch: number;
  sender: DeviceRef;
  /** Of the sender's ratchet in this epoch. */
  count: number;
  messageId: string;
  baseSeq: number;
  baseHash: string;
  stateHash: string;
  /** The secret of the epoch it was made in: whoever does not hold it may not open it. */
  secret: string;
  /** Base64. */
  content: string;
}

export interface CheapWelcome extends CheapGroupId {
  cheap: "welcome";
  suite: Suite;
  epoch: number;
  inviter: DeviceRef;
  packageRefs: string[];
  secret: string;
}

export interface CheapGroupInfo extends CheapGroupId {
  cheap: "group_info";
  suite: Suite;
  epoch: number;
  transcript: string;
  secret: string;
}

/** Leaves by index; null where one is blank. */
export interface CheapTree {
  cheap: "tree";
  leaves: (DeviceRef | null)[];
}

export interface CheapKeyPackage {
  cheap: "key_package";
  suite: Suite;
  device: DeviceRef;
  ref: string;
  isLastResort: boolean;
}

export type CheapObject =
  | CheapCommit
  | CheapMessage
  | CheapWelcome
  | CheapGroupInfo
  | CheapTree
  | CheapKeyPackage;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function toBytes(object: CheapObject): Uint8Array {
  return encoder.encode(JSON.stringify(object));
}

/** Null for what is not one. */
export function fromBytes<K extends CheapObject["cheap"]>(
  bytes: Uint8Array,
  kind: K,
): Extract<CheapObject, { cheap: K }> | null {
  try {
    const object = JSON.parse(decoder.decode(bytes)) as CheapObject;
    return object.cheap === kind ? (object as Extract<CheapObject, { cheap: K }>) : null;
  } catch {
    return null;
  }
}
