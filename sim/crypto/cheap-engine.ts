/**
 * The SDK's crypto port without cryptography, for the simulator: the same questions in the same order and the same
 * failures as src/client/crypto/engine.ts gives, at the price of some JSON. Nothing is cached: a state goes in, a new one
 * comes out, so what was not stored is gone, as it would be with real keys (E8).
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { hex } from "@scure/base";
import { allowsCommit } from "../../src/client/crypto/judge.ts";
import type {
  ClaimedPackage,
  CommitOptions,
  CryptoPort,
  MadeCommit,
  Outcome,
} from "../../src/client/crypto/port.ts";
import { suiteFor } from "../../src/client/mls/suites.ts";
import { type DeviceRef, deviceKey, directConversationId } from "../../src/protocol/ids.ts";
import { type CheapGroup, findLeaf, freshSecret, held, isSame, opened, withChange } from "./cheap-group.ts";
import { messages } from "./cheap-messages.ts";
import { type CheapCommit, type CheapTree, fromBytes, toBytes } from "./cheap-mls.ts";
import { openProfile, sealProfile } from "./cheap-profile.ts";
import { states } from "./cheap-states.ts";
import { fail, good } from "./outcome.ts";

export function makeCheapEngine(): CryptoPort {
  return { ...keys, ...foundings, ...joins, ...messages, ...states, close: () => {} };
}

const keys: Pick<
  CryptoPort,
  "makeDeviceKeys" | "makeKeyPackages" | "makeProfileKey" | "sealProfile" | "openProfile"
> = {
  async makeDeviceKeys(device) {
    const empty = new Uint8Array(32);
    const credential = new TextEncoder().encode(deviceKey(device));
    return {
      device,
      leafPublicKey: empty,
      leafPrivateKey: empty,
      credential,
      accountPublicKey: empty,
      accountPrivateKey: empty,
    };
  },
  async makeKeyPackages({ device }, { suite, oneTime, lastResort }) {
    const kinds = [...Array.from({ length: oneTime }, () => false), ...(lastResort ? [true] : [])];
    return kinds.map((isLastResort) => {
      const ref = freshSecret();
      const bytes = toBytes({ cheap: "key_package", suite, device, ref, isLastResort });
      const none = new Uint8Array();
      return { ref, suite, isLastResort, bytes, initPrivateKey: none, encryptionPrivateKey: none };
    });
  },
  makeProfileKey: async () => crypto.getRandomValues(new Uint8Array(32)),
  sealProfile: async (key, userId, content) => sealProfile(key, userId, content),
  openProfile: async (key, userId, sealed) => openProfile(key, userId, sealed),
};

const foundings: Pick<CryptoPort, "found" | "commit" | "acceptCommit" | "peekCommit"> = {
  async found({ keys: { device }, conversationId, generation, kind, ...options }) {
    const suite = suiteFor(kind);
    const alone: CheapGroup = {
      conversationId,
      generation,
      kind,
      suite,
      epoch: 0,
      joinedEpoch: 0,
      leaves: [device],
      own: 0,
      secret: freshSecret(),
      transcript: "",
      counts: {},
    };
    return commitTo(alone, { ...options, remove: [] });
  },
  async commit(group, options) {
    return commitTo(opened(group), options);
  },
  async acceptCommit(heldGroup, { bytes, place, rules, pending }) {
    const group = opened(heldGroup);
    if (group.own === null) return fail("removed");
    if (place.epoch > group.epoch) return fail("epoch_ahead");
    if (place.epoch < group.epoch)
      return fail(place.epoch < group.joinedEpoch ? "before_join" : "epoch_passed");
    const commit = fromBytes(bytes, "commit");
    if (commit === null) return fail("malformed");
    if (!isSame(commit, group)) return fail("wrong_group");
    if (commit.epoch !== group.epoch) return fail("wrong_epoch");
    if (deviceKey(commit.committer) !== deviceKey(place.sender)) return fail("wrong_device");
    if (commit.messageId !== place.messageId || commit.baseSeq >= place.seq) return fail("wrong_position");
    const change = changeOf(group, commit);
    if ("failure" in change) return change;
    if (!allowsCommit(rules, change)) return fail("forbidden_change");
    const said = { ...change, ...clearOf(commit) };
    if (pending !== null && hex.encode(pending.hash) === hex.encode(sha256(bytes)))
      return good({ outcome: "adopted", group: pending.next, ...said });
    const next = withChange(group, commit);
    if (next.own === null) return good({ outcome: "removed", group: held({ ...group, own: null }), ...said });
    return good({ outcome: "applied", group: held(next), ...said });
  },
  async peekCommit(bytes) {
    const commit = fromBytes(bytes, "commit");
    return commit === null ? null : clearOf(commit);
  },
};

function clearOf({ messageId, baseSeq, baseHash, stateHash }: CheapCommit) {
  return {
    position: { messageId, baseSeq, baseHash: hex.decode(baseHash) },
    stateHash: hex.decode(stateHash),
  };
}

function changeOf(group: CheapGroup, commit: CheapCommit) {
  const removed: DeviceRef[] = [];
  for (const leaf of commit.removedLeaves) {
    const device = group.leaves[leaf];
    if (device == null) return fail("unknown_leaf");
    removed.push(device);
  }
  const isJoin = commit.senderLeaf === null;
  const { committer } = commit;
  if (isJoin && removed.some((device) => device.user_id !== committer.user_id))
    return fail("removes_other_user");
  if (!isJoin && findLeaf(group, committer) !== commit.senderLeaf) return fail("unknown_leaf");
  return { committer, added: commit.added.map(({ device }) => device), removed, isJoin };
}

function commitTo(
  group: CheapGroup,
  { add, remove, document, position }: Omit<CommitOptions, "nowMs">,
): Outcome<MadeCommit> {
  const { added, refused } = checkPackages(group, add);
  const removedLeaves = remove.map((device) => findLeaf(group, device));
  if (removedLeaves.includes(-1)) return fail("unknown_leaf");
  if (removedLeaves.includes(group.own ?? -1)) return fail("forbidden_change");
  const committer = group.leaves[group.own ?? -1];
  if (committer == null) return fail("removed");
  const commit = commitOf(group, committer, { added, removedLeaves, position, stateHash: sha256(document) });
  return good(madeFrom(group, commit, { document, refused }));
}

function checkPackages(group: CheapGroup, claimed: readonly ClaimedPackage[]) {
  const added: CheapCommit["added"] = [];
  const refused: MadeCommit["refused"] = [];
  for (const { device, bytes } of claimed) {
    const made = fromBytes(bytes, "key_package");
    if (made === null || made.suite !== group.suite) refused.push({ device, failure: "key_package_invalid" });
    else if (deviceKey(made.device) !== deviceKey(device))
      refused.push({ device, failure: "untrusted_leaf" });
    else added.push({ device, packageRef: made.ref });
  }
  return { added, refused };
}

function commitOf(
  group: CheapGroup,
  committer: DeviceRef,
  made: Pick<CheapCommit, "added" | "removedLeaves"> &
    Pick<CommitOptions, "position"> & { stateHash: Uint8Array },
): CheapCommit {
  const { position, stateHash, ...change } = made;
  return {
    cheap: "commit",
    conversationId: group.conversationId,
    generation: group.generation,
    suite: group.suite,
    epoch: group.epoch,
    messageId: position.messageId,
    baseSeq: position.baseSeq,
    baseHash: hex.encode(position.baseHash),
    stateHash: hex.encode(stateHash),
    committer,
    senderLeaf: group.own,
    ...change,
    secret: freshSecret(),
  };
}

function madeFrom(
  group: CheapGroup,
  commit: CheapCommit,
  more: { document: Uint8Array | null; refused: MadeCommit["refused"] },
): MadeCommit {
  const bytes = toBytes(commit);
  const next = withChange(group, commit);
  const { conversationId, generation, suite, epoch, secret, transcript } = next;
  const packageRefs = commit.added.map(({ packageRef }) => packageRef);
  const common = { conversationId, generation, suite, secret };
  const welcome = { cheap: "welcome", ...common, epoch, inviter: commit.committer, packageRefs } as const;
  return {
    bytes,
    hash: sha256(bytes),
    baseEpoch: group.epoch,
    welcome: packageRefs.length === 0 ? null : toBytes(welcome),
    groupInfo: toBytes({ cheap: "group_info", ...common, epoch, transcript }),
    tree: toBytes({ cheap: "tree", leaves: next.leaves }),
    sealedState: more.document === null ? null : sealed(secret, more.document),
    added: commit.added.map(({ device }) => device),
    removed: commit.removedLeaves.flatMap((leaf) => group.leaves[leaf] ?? []),
    refused: more.refused,
    next: held(next),
  };
}

const joins: Pick<CryptoPort, "joinByWelcome" | "joinByGroupInfo"> = {
  async joinByWelcome(options) {
    const { keys: own, keyPackages, conversationId, generation, kind, epoch, inviter } = options;
    const welcome = fromBytes(options.welcome, "welcome");
    const tree = fromBytes(options.tree, "tree");
    if (welcome === null || tree === null) return fail("welcome_unreadable");
    const welcomeId = hex.encode(sha256(options.welcome));
    if (options.holdsState) return fail("state_exists");
    if (options.usedWelcomes.includes(welcomeId)) return fail("welcome_used");
    const used = keyPackages.find(({ ref }) => welcome.packageRefs.includes(ref));
    if (used === undefined) return fail("not_for_us");
    if (!isSame(welcome, { conversationId, generation })) return fail("wrong_group");
    if (welcome.epoch !== epoch + 1) return fail("wrong_epoch");
    if (deviceKey(welcome.inviter) !== deviceKey(inviter)) return fail("wrong_device");
    if (kind === "direct" && !(await isOfTwo(conversationId, tree))) return fail("not_two_users");
    const leaf = findLeaf(tree, own.device);
    if (leaf === -1) return fail("not_for_us");
    const group: CheapGroup = {
      conversationId,
      generation,
      kind,
      suite: welcome.suite,
      epoch: epoch + 1,
      joinedEpoch: epoch + 1,
      leaves: tree.leaves,
      own: leaf,
      secret: welcome.secret,
      transcript: "",
      counts: {},
    };
    return good({ group: held(group), welcomeId, usedRef: used.ref, isLastResort: used.isLastResort });
  },
  async joinByGroupInfo(options) {
    const { keys: own, conversationId, generation, kind, epoch, position, stateHash } = options;
    const info = fromBytes(options.groupInfo, "group_info");
    const tree = fromBytes(options.tree, "tree");
    if (info === null || tree === null) return fail("group_info_invalid");
    if (!isSame(info, { conversationId, generation })) return fail("wrong_group");
    if (info.epoch !== epoch) return fail("old_group_info");
    const before: CheapGroup = {
      conversationId,
      generation,
      kind,
      suite: info.suite,
      epoch,
      joinedEpoch: epoch + 1,
      leaves: tree.leaves,
      own: null,
      secret: info.secret,
      transcript: info.transcript,
      counts: {},
    };
    const old = findLeaf(before, own.device);
    const removedLeaves = old === -1 ? [] : [old];
    const commit = commitOf(before, own.device, { added: [], removedLeaves, position, stateHash });
    const made = madeFrom(before, commit, { document: null, refused: [] });
    const next = opened(made.next);
    return good({ ...made, next: held({ ...next, own: findLeaf(next, own.device) }) });
  },
};

async function isOfTwo(conversationId: string, tree: CheapTree): Promise<boolean> {
  const users = [...new Set(tree.leaves.flatMap((leaf) => (leaf === null ? [] : [leaf.user_id])))];
  const [one, other] = users;
  if (one === undefined || other === undefined || users.length > 2) return false;
  return (await directConversationId(one, other)) === conversationId;
}

function sealed(secret: string, document: Uint8Array): Uint8Array {
  const prefix = new TextEncoder().encode(secret);
  const bytes = new Uint8Array(prefix.length + document.length);
  bytes.set(prefix);
  bytes.set(document, prefix.length);
  return bytes;
}
