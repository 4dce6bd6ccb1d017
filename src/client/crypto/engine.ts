/**
 * The engine behind the port: src/client/mls, with states as bytes. In order per group, like the store it serves: two
 * steps from one state are two futures, and only one of them can be stored.
 */
import { readCommit } from "../../mls-guard/commit.ts";
import { deviceKey } from "../../protocol/ids.ts";
import { acceptCommit } from "../mls/accept-commit.ts";
import { found, makeCommit } from "../mls/commit.ts";
import type { Group } from "../mls/group.ts";
import { type Judge, makeAccountKey, makeDevice } from "../mls/identity.ts";
import { joinByExternalCommit } from "../mls/join-external.ts";
import { joinByWelcome } from "../mls/join-welcome.ts";
import { type ClaimedKeyPackage, checkClaimed, makeKeyPackage } from "../mls/key-packages.ts";
import { randomBytes } from "../mls/random.ts";
import { suiteFor } from "../mls/suites.ts";
import { deviceOf, EngineGroups, failed, madeCommit, outcome, pendingCommit } from "./engine-groups.ts";
import { messageMethods } from "./engine-messages.ts";
import { allowsCommit, type CommitRules } from "./judge.ts";
import type {
  ClaimedPackage,
  CommitOptions,
  CryptoPort,
  HeldGroup,
  MadeCommit,
  Outcome,
  Place,
} from "./port.ts";
import { openProfile, sealProfile } from "./profile-seal.ts";

/** Pins and device lists come with account keys (E5); until then a leaf is whose certificate holds, and the roster's. */
const anyLeaf: Judge = { acceptsLeaf: () => true, allowsCommit: () => true };
/** Logs are compared by the caller, who alone holds one. */
const noLog = { hashAt: () => null };

export function makeEngine(): CryptoPort {
  const groups = new EngineGroups();
  return { ...keyMethods(), ...groupMethods(groups), ...messageMethods(groups), close: () => {} };
}

type KeyMethods = "makeDeviceKeys" | "makeKeyPackages" | "makeProfileKey" | "sealProfile" | "openProfile";
function keyMethods(): Pick<CryptoPort, KeyMethods> {
  return {
    async makeDeviceKeys(ref) {
      const account = makeAccountKey();
      const { leafKey, credential } = await makeDevice(ref, account);
      return {
        device: ref,
        leafPublicKey: leafKey.publicKey,
        leafPrivateKey: leafKey.privateKey,
        credential,
        accountPublicKey: account.publicKey,
        accountPrivateKey: account.privateKey,
      };
    },
    async makeKeyPackages(keys, { suite, oneTime, lastResort, nowMs }) {
      const kinds = [...Array.from({ length: oneTime }, () => false), ...(lastResort ? [true] : [])];
      const made = [];
      for (const isLastResort of kinds)
        made.push(await makeKeyPackage(deviceOf(keys), { suite, isLastResort, nowMs }));
      return made;
    },
    makeProfileKey: async () => randomBytes(32),
    sealProfile: async (key, userId, content) => sealProfile(key, userId, content),
    openProfile: async (key, userId, sealed) => openProfile(key, userId, sealed),
  };
}

function groupMethods(
  groups: EngineGroups,
): Pick<CryptoPort, "found" | "commit" | "joinByWelcome" | "joinByGroupInfo" | "acceptCommit"> {
  return {
    async found(options) {
      const group = await found(deviceOf(options.keys), options);
      return group.failure === null
        ? await commitTo(groups, group.value, { ...options, remove: [] })
        : failed(group);
    },
    async commit(held, options) {
      const group = await groups.open(held);
      return group.failure === null ? await commitTo(groups, group.value, options) : failed(group);
    },
    async joinByWelcome({ keys, keyPackages, usedWelcomes, holdsState, welcome, tree, ...announced }) {
      const joined = await joinByWelcome(welcome, tree, {
        device: deviceOf(keys),
        announced,
        keyPackages,
        holdsState,
        usedWelcomes: new Set(usedWelcomes),
        judge: anyLeaf,
      });
      return outcome(joined, ({ group, welcomeId, keyPackage }) => ({
        group: groups.whole(group),
        welcomeId,
        usedRef: keyPackage.ref,
        isLastResort: keyPackage.isLastResort,
      }));
    },
    async joinByGroupInfo({ keys, groupInfo, tree, ...join }) {
      const more = { device: deviceOf(keys), anchor: null, replaces: null, judge: anyLeaf };
      const pending = await joinByExternalCommit(groupInfo, tree, { ...join, ...more });
      return outcome(pending, (made) => {
        const isBack = readCommit(made.bytes).removes.length > 0;
        return madeCommit(groups, made, { added: [], removed: isBack ? [keys.device] : [], refused: [] });
      });
    },
    acceptCommit: (held, options) => accept(groups, held, options),
  };
}

async function commitTo(
  groups: EngineGroups,
  group: Group,
  { add, remove, document, position, nowMs }: CommitOptions,
): Promise<Outcome<MadeCommit>> {
  const { good, refused } = await checkPackages(add, group, nowMs);
  const pending = await makeCommit(group, { add: good, remove, stateDocument: document, position });
  const added = good.map((claimed) => claimed.identity.device);
  return outcome(pending, (made) => madeCommit(groups, made, { added, removed: remove, refused }));
}

async function checkPackages(claimed: readonly ClaimedPackage[], group: Group, nowMs: number) {
  const good: ClaimedKeyPackage[] = [];
  const refused: MadeCommit["refused"] = [];
  for (const { device, bytes } of claimed) {
    const expected = { userId: device.user_id, suite: suiteFor(group.kind), nowMs, judge: anyLeaf };
    const checked = await checkClaimed(bytes, expected);
    if (checked.failure !== null) refused.push({ device, failure: checked.failure });
    else if (deviceKey(checked.value.identity.device) !== deviceKey(device))
      refused.push({ device, failure: "untrusted_leaf" });
    else good.push(checked.value);
  }
  return { good, refused };
}

async function accept(
  groups: EngineGroups,
  held: HeldGroup,
  options: { bytes: Uint8Array; place: Place; rules: CommitRules; pending: MadeCommit | null },
): ReturnType<CryptoPort["acceptCommit"]> {
  const group = await groups.open(held);
  if (group.failure !== null) return failed(group);
  const accepted = await acceptCommit(group.value, options.bytes, {
    place: { ...options.place, ...noLog },
    judge: { ...anyLeaf, allowsCommit: (change) => allowsCommit(options.rules, change) },
    pending: await pendingCommit(groups, options.pending),
  });
  return outcome(accepted, ({ outcome: kind, group: next, change, data, spent }) => {
    if (kind === "applied") groups.step(held, next, spent);
    const { messageId, baseSeq, baseHash, stateHash: hash } = data;
    const position = { messageId, baseSeq, baseHash: baseHash.slice() };
    return { outcome: kind, group: groups.whole(next), ...change, position, stateHash: hash.slice() };
  });
}
