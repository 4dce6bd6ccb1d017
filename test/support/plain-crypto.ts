/**
 * A CryptoPort without cryptography: JSON in the place of ciphertext, with the same rules of epochs, ratchets, Welcomes and
 * judges. For tests of everything around the keys; what the keys do is tested on the real engine.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { base64, hex } from "@scure/base";
import { allowsCommit } from "../../src/client/crypto/judge.ts";
import type {
  ClaimedPackage,
  CommitOptions,
  CryptoPort,
  DeviceKeys,
  HeldGroup,
  MadeCommit,
  OwnKeyPackage,
  Position,
} from "../../src/client/crypto/port.ts";
import type { MlsFailure } from "../../src/client/mls/failures.ts";
import { concat } from "../../src/mls-guard/bytes.ts";
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";

interface PlainGroup {
  secret: string;
  devices: DeviceRef[];
  self: DeviceRef;
}
interface PlainPosition {
  messageId: string;
  baseSeq: number;
  baseHash: string;
}
interface PlainCommit {
  secret: string;
  next: string;
  epoch: number;
  from: DeviceRef;
  add: DeviceRef[];
  remove: DeviceRef[];
  isJoin: boolean;
  position: PlainPosition;
  stateHash: string;
}
interface PlainMessage {
  secret: string;
  epoch: number;
  from: DeviceRef;
  step: number;
  content: string;
  position: PlainPosition;
  stateHash: string;
}
export interface PlainInfo {
  secret: string;
  devices: DeviceRef[];
}

let count = 0;
function fresh(): string {
  count += 1;
  return `s${count}`;
}
function write(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
export function readPlain<T>(bytes: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(bytes)) as T;
}
function asPlain({ messageId, baseSeq, baseHash }: Position): PlainPosition {
  return { messageId, baseSeq, baseHash: base64.encode(baseHash) };
}
function asPosition({ messageId, baseSeq, baseHash }: PlainPosition): Position {
  return { messageId, baseSeq, baseHash: base64.decode(baseHash) };
}
function fail(failure: MlsFailure): { failure: MlsFailure } {
  return { failure };
}

/** What another device would have sent, for tests that drive it by hand. */
export function plainMessage(
  info: PlainInfo,
  message: { epoch: number; from: DeviceRef; content: Uint8Array; position: Position; stateHash: string },
): Uint8Array {
  count += 1;
  const { position, content, ...rest } = message;
  const step = count;
  return write({
    ...rest,
    secret: info.secret,
    step,
    content: base64.encode(content),
    position: asPlain(position),
  });
}

/** A commit of another device, with the GroupInfo it leads to. */
export function plainCommit(
  info: PlainInfo,
  commit: {
    epoch: number;
    from: DeviceRef;
    add: DeviceRef[];
    remove: DeviceRef[];
    position: Position;
    stateHash: string;
  },
): { bytes: Uint8Array; groupInfo: Uint8Array; sealedState: Uint8Array } {
  const { position, ...rest } = commit;
  const next = fresh();
  const gone = new Set(commit.remove.map(deviceKey));
  const devices = [...info.devices.filter((device) => !gone.has(deviceKey(device))), ...commit.add];
  return {
    bytes: write({ ...rest, secret: info.secret, next, isJoin: false, position: asPlain(position) }),
    groupInfo: write({ secret: next, devices }),
    sealedState: write({ secret: next, document: "" }),
  };
}

export function plainCrypto(): CryptoPort {
  return { ...keyMethods, ...groupMethods, ...messageMethods, close: () => {} };
}

const keyMethods = {
  makeDeviceKeys: async (device: DeviceRef): Promise<DeviceKeys> => {
    const bytes = write({ key: fresh() });
    return {
      device,
      leafPublicKey: bytes,
      leafPrivateKey: bytes,
      credential: bytes,
      accountPublicKey: bytes,
      accountPrivateKey: bytes,
    };
  },
  makeKeyPackages: async (keys, { suite, oneTime, lastResort }) =>
    Array.from({ length: oneTime + (lastResort ? 1 : 0) }, (_, index): OwnKeyPackage => {
      const isLastResort = index === oneTime;
      const ref = `${deviceKey(keys.device)}-${fresh()}`;
      const bytes = write({ ref, device: keys.device, isLastResort });
      return { ref, suite, isLastResort, bytes, initPrivateKey: bytes, encryptionPrivateKey: bytes };
    }),
  makeProfileKey: async () => sha256(write({ profile: fresh() })),
  sealProfile: async (key, userId, content) =>
    write({ key: base64.encode(key), userId, content: base64.encode(content) }),
  openProfile: async (key, userId, sealed) => {
    const profile = readPlain<{ key: string; userId: string; content: string }>(sealed);
    const isOurs = profile.key === base64.encode(key) && profile.userId === userId;
    return isOurs ? base64.decode(profile.content) : null;
  },
} satisfies Partial<CryptoPort>;

const groupMethods = {
  found: async (options) => {
    const { conversationId, generation, kind, keys } = options;
    const founder = { secret: fresh(), devices: [keys.device], self: keys.device };
    const shell = { conversationId, generation, kind, joinedEpoch: 0 };
    return {
      failure: null,
      value: made({ ...held(shell, founder, 0) }, { ...options, remove: [] }, options),
    };
  },
  commit: async (group, options) => ({ failure: null, value: made(group, options, options) }),
  joinByWelcome: async (options) => {
    const { conversationId, generation, kind, keys, keyPackages, epoch } = options;
    if (options.holdsState) return fail("state_exists");
    const welcomeId = hex.encode(sha256(options.welcome));
    if (options.usedWelcomes.includes(welcomeId)) return fail("welcome_used");
    const welcome = readPlain<PlainInfo & { refs: string[] }>(options.welcome);
    const own = keyPackages.find((candidate) => welcome.refs.includes(candidate.ref));
    if (own === undefined) return fail("not_for_us");
    const shell = { conversationId, generation, kind, joinedEpoch: epoch + 1 };
    const group = held(shell, { ...welcome, self: keys.device }, epoch + 1);
    return { failure: null, value: { group, welcomeId, usedRef: own.ref, isLastResort: own.isLastResort } };
  },
  joinByGroupInfo: async ({ keys, conversationId, generation, kind, epoch, ...options }) => {
    const { secret, devices } = readPlain<PlainInfo>(options.groupInfo);
    const isBack = devices.some((device) => deviceKey(device) === deviceKey(keys.device));
    const remove = isBack ? [keys.device] : [];
    const others = devices.filter((device) => deviceKey(device) !== deviceKey(keys.device));
    const next = { secret: fresh(), devices: [...others, keys.device], self: keys.device };
    const { position, stateHash } = options;
    const commit = { secret, next: next.secret, epoch, from: keys.device, add: [], remove, isJoin: true };
    const shell = { conversationId, generation, kind, joinedEpoch: epoch + 1 };
    const bytes = write({ ...commit, position: asPlain(position), stateHash: base64.encode(stateHash) });
    const group = held(shell, next, epoch + 1);
    return { failure: null, value: { ...objects(bytes, next, epoch, group), removed: remove } };
  },
  acceptCommit: async (group, { bytes, place, rules, pending }) => {
    const commit = readPlain<PlainCommit>(bytes);
    const state = readPlain<PlainGroup>(group.state);
    if (place.epoch > group.epoch) return fail("epoch_ahead");
    if (place.epoch < group.epoch) return fail("epoch_passed");
    if (commit.secret !== state.secret) return fail("commit_unprocessable");
    const change = {
      committer: commit.from,
      added: commit.add,
      removed: commit.remove,
      isJoin: commit.isJoin,
    };
    if (!allowsCommit(rules, change)) return fail("forbidden_change");
    const signed = { position: asPosition(commit.position), stateHash: base64.decode(commit.stateHash) };
    const isAdopted = pending !== null && base64.encode(pending.hash) === base64.encode(sha256(bytes));
    const gone = new Set(commit.remove.map(deviceKey));
    const isOut = !isAdopted && gone.has(deviceKey(state.self));
    if (isOut) return { failure: null, value: { outcome: "removed", group, ...change, ...signed } };
    const devices = [
      ...state.devices.filter((device) => !gone.has(deviceKey(device))),
      ...commit.add,
      ...(commit.isJoin ? [commit.from] : []),
    ];
    const applied = held(group, { secret: commit.next, devices, self: state.self }, group.epoch + 1);
    const next = isAdopted ? pending.next : applied;
    return {
      failure: null,
      value: { outcome: isAdopted ? "adopted" : "applied", group: next, ...change, ...signed },
    };
  },
  peekCommit: async (bytes) => {
    const { position, stateHash } = readPlain<PlainCommit>(bytes);
    return { position: asPosition(position), stateHash: base64.decode(stateHash) };
  },
} satisfies Partial<CryptoPort>;

const messageMethods = {
  encrypt: async (group, { content, position, stateHash }) => {
    const { secret, self, devices } = readPlain<PlainGroup>(group.state);
    const leafIndex = devices.findIndex((device) => deviceKey(device) === deviceKey(self));
    count += 1;
    const step = count;
    const message: PlainMessage = {
      secret,
      epoch: group.epoch,
      from: self,
      step,
      content: base64.encode(content),
      position: asPlain(position),
      stateHash: base64.encode(stateHash),
    };
    const ratchet = { epoch: group.epoch, leafIndex, bytes: write(seenWith(group, leafIndex, step)) };
    return {
      failure: null,
      value: { bytes: write(message), k: new Uint8Array(32), ratchet, version: fresh() },
    };
  },
  open: async (group, { bytes, place, stateHash }) => {
    const message = readPlain<PlainMessage>(bytes);
    const { secret, devices } = readPlain<PlainGroup>(group.state);
    if (place.epoch < group.epoch)
      return fail(place.epoch < group.joinedEpoch ? "before_join" : "epoch_passed");
    if (place.epoch > group.epoch) return fail("epoch_ahead");
    if (message.secret !== secret) return fail("decrypt_failed");
    if (deviceKey(message.from) !== deviceKey(place.sender)) return fail("wrong_device");
    if (message.position.messageId !== place.messageId) return fail("wrong_position");
    const leafIndex = devices.findIndex((device) => deviceKey(device) === deviceKey(message.from));
    if (seenBy(group, leafIndex).includes(message.step)) return fail("replayed");
    if (stateHash !== null && base64.encode(stateHash) !== message.stateHash) return fail("state_mismatch");
    return {
      failure: null,
      value: {
        content: base64.decode(message.content),
        k: new Uint8Array(32),
        position: asPosition(message.position),
        stateHash: base64.decode(message.stateHash),
        ratchet: { epoch: group.epoch, leafIndex, bytes: write(seenWith(group, leafIndex, message.step)) },
        version: fresh(),
      },
    };
  },
  openState: async (group, { sealed, hash }) => {
    const { secret, document } = readPlain<{ secret: string; document: string }>(sealed);
    if (secret !== readPlain<PlainGroup>(group.state).secret) return fail("state_unreadable");
    const bytes = base64.decode(document);
    return base64.encode(sha256(bytes)) === base64.encode(hash)
      ? { failure: null, value: bytes }
      : fail("state_mismatch");
  },
  makeState: async (content) => {
    const document = concat(sha256(write({ salt: fresh() })), content);
    return { document, hash: sha256(document) };
  },
  readState: async (document) => ({ content: document.subarray(32), hash: sha256(document) }),
  signLeave: async (group, keys) => ({
    failure: null,
    value: sha256(write({ leave: keys.device.user_id, of: group.conversationId })),
  }),
  isLeave: async (group, { device, signature }) =>
    base64.encode(signature) ===
    base64.encode(sha256(write({ leave: device.user_id, of: group.conversationId }))),
} satisfies Partial<CryptoPort>;

type Shell = Pick<HeldGroup, "conversationId" | "generation" | "kind" | "joinedEpoch">;

function held(
  { conversationId, generation, kind, joinedEpoch }: Shell,
  group: PlainGroup,
  epoch: number,
): HeldGroup {
  const { secret, devices, self } = group;
  return {
    conversationId,
    generation,
    kind,
    joinedEpoch,
    suite: kind === "group" ? "x25519" : "x_wing",
    epoch,
    devices,
    version: fresh(),
    state: write({ secret, devices, self }),
    ratchets: [],
  };
}

function made(
  group: HeldGroup,
  { add, remove }: { add: ClaimedPackage[]; remove: DeviceRef[] },
  { document, position }: Pick<CommitOptions, "document" | "position">,
): MadeCommit {
  const { secret, devices, self } = readPlain<PlainGroup>(group.state);
  const gone = new Set(remove.map(deviceKey));
  const packages = add.map(({ bytes }) => readPlain<{ ref: string; device: DeviceRef }>(bytes));
  const added = packages.map(({ device }) => device);
  const next = {
    secret: fresh(),
    devices: [...devices.filter((device) => !gone.has(deviceKey(device))), ...added],
    self,
  };
  const stateHash = base64.encode(sha256(document));
  const commit = {
    secret,
    next: next.secret,
    epoch: group.epoch,
    from: self,
    add: added,
    remove,
    isJoin: false,
  };
  const bytes = write({ ...commit, position: asPlain(position), stateHash });
  const welcome =
    packages.length === 0
      ? null
      : write({ secret: next.secret, devices: next.devices, refs: packages.map(({ ref }) => ref) });
  const sealedState = write({ secret: next.secret, document: base64.encode(document) });
  const after = held(group, next, group.epoch + 1);
  return { ...objects(bytes, next, group.epoch, after), welcome, sealedState, added, removed: remove };
}

function objects(bytes: Uint8Array, next: PlainGroup, baseEpoch: number, group: HeldGroup): MadeCommit {
  const info = write({ secret: next.secret, devices: next.devices });
  return {
    bytes,
    hash: sha256(bytes),
    baseEpoch,
    welcome: null,
    groupInfo: info,
    tree: info,
    sealedState: null,
    added: [],
    removed: [],
    refused: [],
    next: group,
  };
}

/** Steps of a leaf, which count across the whole process: a device that a test drives by hand shares them. */
function seenBy(group: HeldGroup, leafIndex: number): number[] {
  const ratchet = group.ratchets.find((it) => it.leafIndex === leafIndex && it.epoch === group.epoch);
  return ratchet === undefined ? [] : readPlain<{ seen: number[] }>(ratchet.bytes).seen;
}
function seenWith(group: HeldGroup, leafIndex: number, step: number): { seen: number[] } {
  return { seen: [...seenBy(group, leafIndex), step].slice(-200) };
}
