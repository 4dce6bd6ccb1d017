/**
 * The port to everything that needs a key. Values are plain and structured-clonable, bytes are Uint8Array, no type of the
 * MLS library shows: in a browser the engine runs in a worker (worker-port.ts), in Node in this thread (engine.ts), and
 * the simulator brings its own. The port keeps nothing that is not in the store: a state goes in, a new one comes out,
 * and it counts once the caller has stored it (E8).
 */
import type { Suite } from "../../mls-guard/leaf.ts";
import type { DeviceRef } from "../../protocol/ids.ts";
import type { MlsFailure } from "../mls/failures.ts";
import type { CommitRules } from "./judge.ts";

export type ChatKind = "direct" | "group";

/** What fails is an answer with a code (E9); a rejected promise means that the engine itself is gone. */
export type Outcome<T> = { failure: null; value: T } | { failure: MlsFailure };

/** This device's keys: one leaf key for all groups, and the account key that certified it (E5). */
export interface DeviceKeys {
  device: DeviceRef;
  leafPublicKey: Uint8Array;
  leafPrivateKey: Uint8Array;
  /** As it stands in every leaf of this device. */
  credential: Uint8Array;
  accountPublicKey: Uint8Array;
  accountPrivateKey: Uint8Array;
}

/** A key package with its private half: stored before the public one is uploaded, dropped once a Welcome used it. */
export interface OwnKeyPackage {
  /** Hexadecimal. */
  ref: string;
  suite: Suite;
  isLastResort: boolean;
  bytes: Uint8Array;
  initPrivateKey: Uint8Array;
  encryptionPrivateKey: Uint8Array;
}

/** A changed ratchet of one leaf: all that a message changes of a group. Of one leaf and epoch the newest counts. */
export interface Ratchet {
  epoch: number;
  leafIndex: number;
  bytes: Uint8Array;
}

/** A group as it is stored: whole as of `state`, and the ratchets that changed since. */
export interface HeldGroup {
  conversationId: string;
  generation: number;
  kind: ChatKind;
  suite: Suite;
  epoch: number;
  /** Of the first epoch this device can read. */
  joinedEpoch: number;
  /** All leaves, in the tree's order. */
  devices: DeviceRef[];
  /** Names exactly this value, for the engine's cache; opaque to everybody else. */
  version: string;
  state: Uint8Array;
  ratchets: Ratchet[];
}

/** What a message or commit signs about its place (E13). */
export interface Position {
  messageId: string;
  baseSeq: number;
  /** H(baseSeq), 32 bytes. */
  baseHash: Uint8Array;
}

/** What the server says of an entry. */
export interface Place {
  seq: number;
  epoch: number;
  messageId: string;
  sender: DeviceRef;
}

/** A commit that is made and not in the log yet, with all that goes to the server beside it (E2). */
export interface MadeCommit {
  bytes: Uint8Array;
  /** SHA-256 of `bytes`: how it is recognised in the log. */
  hash: Uint8Array;
  baseEpoch: number;
  /** Null when it adds nobody. */
  welcome: Uint8Array | null;
  groupInfo: Uint8Array;
  tree: Uint8Array;
  /** Null from a joiner. */
  sealedState: Uint8Array | null;
  /** Devices it adds, in the order of its Adds, without a joiner itself. */
  added: DeviceRef[];
  /** Devices whose leaves it removes; of a joiner, its own old one. */
  removed: DeviceRef[];
  /** Claimed packages that were refused, by device: they come in by external commit later. */
  refused: { device: DeviceRef; failure: MlsFailure }[];
  next: HeldGroup;
}

export interface ClaimedPackage {
  device: DeviceRef;
  bytes: Uint8Array;
}

export interface FoundOptions {
  conversationId: string;
  generation: number;
  kind: ChatKind;
  keys: DeviceKeys;
  add: ClaimedPackage[];
  document: Uint8Array;
  position: Position;
  nowMs: number;
}

export interface CommitOptions {
  add: ClaimedPackage[];
  remove: DeviceRef[];
  /** The group's state after this commit. */
  document: Uint8Array;
  position: Position;
  nowMs: number;
}

export interface WelcomeOptions {
  keys: DeviceKeys;
  /** Every unused package of this device. */
  keyPackages: OwnKeyPackage[];
  conversationId: string;
  generation: number;
  kind: ChatKind;
  /** Of the commit the Welcome came with: the epoch it was made in, and its author. */
  epoch: number;
  inviter: DeviceRef;
  welcome: Uint8Array;
  tree: Uint8Array;
  /** Ids of Welcomes used before (E7). */
  usedWelcomes: string[];
  /** A state of this generation is here already. */
  holdsState: boolean;
}

export interface Welcomed {
  group: HeldGroup;
  /** To be remembered in the transaction that stores the group. */
  welcomeId: string;
  /** The package that was used: dropped in that transaction. A last-resort one is replaced, and the device commits (E6). */
  usedRef: string;
  isLastResort: boolean;
}

export interface ExternalJoinOptions {
  keys: DeviceKeys;
  conversationId: string;
  generation: number;
  kind: ChatKind;
  /** Of `groupInfo`: the present epoch. */
  epoch: number;
  groupInfo: Uint8Array;
  tree: Uint8Array;
  position: Position;
  /** Hash of the state, which stays as it is. */
  stateHash: Uint8Array;
  nowMs: number;
}

export interface Encrypted {
  bytes: Uint8Array;
  /** For a report, and the sender's own record (E20). */
  k: Uint8Array;
  ratchet: Ratchet;
  version: string;
}

export interface Opened {
  content: Uint8Array;
  k: Uint8Array;
  /** Verified: the caller compares it with its own log (E13). */
  position: Position;
  stateHash: Uint8Array;
  ratchet: Ratchet;
  version: string;
}

export interface AcceptedCommit {
  /** adopted: one's own, by hash · applied: another's · removed: this device's leaf is gone, `group` is as it was. */
  outcome: "adopted" | "applied" | "removed";
  group: HeldGroup;
  committer: DeviceRef;
  added: DeviceRef[];
  removed: DeviceRef[];
  /** The committer came in by it. */
  isJoin: boolean;
  position: Position;
  /** Of the state after it. */
  stateHash: Uint8Array;
}

export interface CryptoPort {
  /** Fresh keys for a device, with an account key of its own until managers come (E5). */
  makeDeviceKeys(device: DeviceRef): Promise<DeviceKeys>;
  /** `oneTime` of them and, with `lastResort`, one more of that kind, last. */
  makeKeyPackages(
    keys: DeviceKeys,
    options: { suite: Suite; oneTime: number; lastResort: boolean; nowMs: number },
  ): Promise<OwnKeyPackage[]>;

  /** A generation, with the founder's commit of epoch 0, which adds the others. */
  found(options: FoundOptions): Promise<Outcome<MadeCommit>>;
  commit(group: HeldGroup, options: CommitOptions): Promise<Outcome<MadeCommit>>;
  joinByWelcome(options: WelcomeOptions): Promise<Outcome<Welcomed>>;
  joinByGroupInfo(options: ExternalJoinOptions): Promise<Outcome<MadeCommit>>;
  /** The next commit of the log. `pending`: this device's own, adopted if it is this one. */
  acceptCommit(
    group: HeldGroup,
    options: { bytes: Uint8Array; place: Place; rules: CommitRules; pending: MadeCommit | null },
  ): Promise<Outcome<AcceptedCommit>>;
  /**
   * What a commit says in the clear, unverified: for a joiner, who reads the commit that brought it in. Null: unreadable.
   */
  peekCommit(bytes: Uint8Array): Promise<{ position: Position; stateHash: Uint8Array } | null>;

  encrypt(
    group: HeldGroup,
    options: { content: Uint8Array; position: Position; stateHash: Uint8Array },
  ): Promise<Outcome<Encrypted>>;
  /** `stateHash`: as this device knows it; null while it waits for the state (E16). */
  open(
    group: HeldGroup,
    options: { bytes: Uint8Array; place: Place; stateHash: Uint8Array | null },
  ): Promise<Outcome<Opened>>;

  /** The state a commit sealed, with the group after it; `hash` is what the commit signed (E16). */
  openState(
    group: HeldGroup,
    options: { sealed: Uint8Array; hash: Uint8Array },
  ): Promise<Outcome<Uint8Array>>;
  /** A state document, 32 random bytes and then `content`, and its hash. */
  makeState(content: Uint8Array): Promise<{ document: Uint8Array; hash: Uint8Array }>;
  /** Content and hash of a document that a member sent; null: it is none. */
  readState(document: Uint8Array): Promise<{ content: Uint8Array; hash: Uint8Array } | null>;

  /** The signature of a leave statement, for the group's present epoch (E14). */
  signLeave(group: HeldGroup, keys: DeviceKeys): Promise<Outcome<Uint8Array>>;
  isLeave(
    group: HeldGroup,
    statement: { device: DeviceRef; epoch: number; signature: Uint8Array },
  ): Promise<boolean>;

  makeProfileKey(): Promise<Uint8Array>;
  /** `userId` is bound in: a profile cannot be passed off as another user's. */
  sealProfile(key: Uint8Array, userId: string, content: Uint8Array): Promise<Uint8Array>;
  /** Null: not under this key, or not this user's. */
  openProfile(key: Uint8Array, userId: string, sealed: Uint8Array): Promise<Uint8Array | null>;

  close(): void;
}

/** The group after a message: the newest ratchet of each leaf counts. */
export function withRatchet(group: HeldGroup, step: { ratchet: Ratchet; version: string }): HeldGroup {
  const { ratchet, version } = step;
  const others = group.ratchets.filter(({ leafIndex }) => leafIndex !== ratchet.leafIndex);
  return { ...group, version, ratchets: [...others, ratchet] };
}
