/**
 * Keys and everything that only makes sense with them [E8]. Private halves leave the store through the crypto port and
 * nowhere else. A group's whole state is written when its epoch begins, a message afterwards changes one ratchet.
 */
import type { RosterChange } from "../../protocol/mls.ts";
import type { DeviceKeys, HeldGroup, MadeCommit, OwnKeyPackage, Ratchet } from "../crypto/port.ts";

export interface KeysRecord extends DeviceKeys {
  name: "device";
}

export interface KeyPackageRecord extends OwnKeyPackage {
  isUploaded: boolean;
  madeAtMs: number;
  /** Of a last-resort one: the server has answered that it holds it. */
  isConfirmed?: boolean;
  /** Of a last-resort one: this device was brought in by it, so the next one has to be another [E6]. */
  isUsed?: boolean;
}

/** Without `ratchets` and `version`: the ones have a table, the other is of the engine that is running. */
export type GroupRecord = Omit<HeldGroup, "ratchets" | "version">;

export interface RatchetRecord extends Ratchet {
  conversationId: string;
}

/** A commit that is made and not seen in the log yet; at most one per conversation. */
export interface PendingCommitRecord {
  conversationId: string;
  messageId: string;
  kind: "direct" | "group";
  generation: number;
  /** A member's, a joiner's (E12), or a generation's first (E15). */
  origin: "member" | "joiner" | "founder";
  made: MadeCommit;
  rosterChange: RosterChange;
  /** The state after it; null from a joiner. */
  document: Uint8Array | null;
  baseSeq: number;
}

export interface UsedWelcomeRecord {
  welcomeId: string;
}

/** [E16] The state of a conversation as it is known here. */
export interface DocumentRecord {
  conversationId: string;
  document: Uint8Array;
  /** base64 */
  hash: string;
}

/** What this device knows of a user. */
export interface ProfileRecord {
  userId: string;
  /** Looked up by the user, or else the other side's word. */
  phone: string | null;
  isPhoneLookedUp: boolean;
  key: Uint8Array | null;
  name: string | null;
  picture: Uint8Array | null;
  /** Null: not fetched yet under `key`. */
  fetchedAtMs: number | null;
}
