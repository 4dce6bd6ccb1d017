/**
 * Joining by Welcome. [E7] Once, for the conversation that was announced, never over a state that is held; a direct chat
 * has exactly the two users its id follows from. Everything inside is guarded before the library joins: the library
 * takes a tree from inside the encrypted GroupInfo first, where no guard would have seen it.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { hex } from "@scure/base";
import {
  decodeMlsMessage,
  emptyPskIndex,
  type GroupInfo,
  joinGroup,
  type KeyPackage,
  type Welcome,
} from "ts-mls";
import { decryptGroupInfo, decryptGroupSecrets } from "ts-mls/welcome.js";
import { isEqual } from "../../mls-guard/bytes.ts";
import { encodeGroupId, type Generation } from "../../mls-guard/group-id.ts";
import type { LeafView } from "../../mls-guard/leaf.ts";
import { readWelcome } from "../../mls-guard/messages.ts";
import { type DeviceRef, directConversationId } from "../../protocol/ids.ts";
import { attempt, fail, type Result } from "./failures.ts";
import { type Group, isSameDevice, leavesOf, libraryConfig } from "./group.ts";
import { openTree } from "./group-info.ts";
import type { Device, Judge } from "./identity.ts";
import { decodeKeyPackage, type OwnKeyPackage, privateKeysOf } from "./key-packages.ts";
import { type GroupKind, implementationOf, suiteFor } from "./suites.ts";

export interface AnnouncedWelcome extends Generation {
  kind: GroupKind;
  /** Of the entry that the Welcome came with: the commit's epoch and the device that made it. */
  epoch: number;
  inviter: DeviceRef;
}

export interface WelcomeContext {
  device: Device;
  announced: AnnouncedWelcome;
  /** The unused one-time packages and the last-resort ones. */
  keyPackages: readonly OwnKeyPackage[];
  /** A state of this conversation's generation is here already. */
  holdsState: boolean;
  /** `welcomeId` of those used before. */
  usedWelcomes: ReadonlySet<string>;
  judge: Judge;
}

export interface JoinedByWelcome {
  group: Group;
  /** To be remembered in the transaction that stores the group. */
  welcomeId: string;
  /** To be dropped in that transaction; a last-resort one is replaced, and this device commits at once (E6). */
  keyPackage: OwnKeyPackage;
}

export function joinByWelcome(
  welcome: Uint8Array,
  tree: Uint8Array,
  context: WelcomeContext,
): Promise<Result<JoinedByWelcome>> {
  return attempt("welcome_unreadable", async () => {
    const { announced, device, judge } = context;
    const welcomeId = hex.encode(sha256(welcome));
    if (context.holdsState) fail("state_exists");
    if (context.usedWelcomes.has(welcomeId)) fail("welcome_used");
    const own = ownPackageFor(welcome, context);
    const keyPackage = decodeKeyPackage(own.bytes);
    const opened = openTree(tree, judge);
    if (announced.kind === "direct") await checkTwoUsers(announced, opened.leaves);
    const decoded = decodeWelcome(welcome);
    const inside = await openInside(decoded, own);
    checkGroupInfo(inside, keyPackage, announced);
    const signer = opened.deviceAt(inside.signer);
    if (signer === null || !isSameDevice(signer, announced.inviter)) fail("wrong_device");
    const state = await joinGroup(
      decoded,
      keyPackage,
      privateKeysOf(own, device),
      emptyPskIndex,
      await implementationOf(own.suite),
      opened.tree,
      undefined,
      libraryConfig,
    );
    const { conversationId, generation, kind } = announced;
    const joinedEpoch = announced.epoch + 1;
    const group: Group = { conversationId, generation, kind, suite: own.suite, joinedEpoch, state };
    if (leavesOf(group).filter((leaf) => isSameDevice(leaf.device, device.ref)).length !== 1)
      fail("not_for_us");
    return { group, welcomeId, keyPackage: own };
  });
}

function ownPackageFor(welcome: Uint8Array, context: WelcomeContext): OwnKeyPackage {
  const { suite, keyPackageRefs } = readWelcome(welcome);
  if (suite !== suiteFor(context.announced.kind)) fail("wrong_suite");
  const refs = new Set(keyPackageRefs.map((ref) => hex.encode(ref)));
  const own = context.keyPackages.find((candidate) => candidate.suite === suite && refs.has(candidate.ref));
  return own ?? fail("not_for_us");
}

function decodeWelcome(bytes: Uint8Array): Welcome {
  const message = decodeMlsMessage(bytes, 0)?.[0];
  return message?.wireformat === "mls_welcome" ? message.welcome : fail("malformed");
}

async function checkTwoUsers(announced: AnnouncedWelcome, leaves: readonly LeafView[]): Promise<void> {
  const [one, other, ...more] = new Set(leaves.map((leaf) => leaf.credential.device.user_id));
  if (one === undefined || other === undefined || more.length > 0) return fail("not_two_users");
  if ((await directConversationId(one, other)) !== announced.conversationId) fail("not_two_users");
}

/** Opens the Welcome by itself first: what is in it must be for the announced group and carry nothing unusual. */
async function openInside(welcome: Welcome, own: OwnKeyPackage): Promise<GroupInfo> {
  const implementation = await implementationOf(own.suite);
  const { hpke, kdf } = implementation;
  const initKey = await hpke.importPrivateKey(own.initPrivateKey);
  const secrets = await decryptGroupSecrets(initKey, hex.decode(own.ref), welcome, hpke);
  if (secrets === undefined || secrets.psks.length > 0) return fail("welcome_unreadable");
  const noPsk = new Uint8Array(kdf.size);
  const info = await decryptGroupInfo(welcome, secrets.joinerSecret, noPsk, implementation);
  return info ?? fail("welcome_unreadable");
}

function checkGroupInfo(info: GroupInfo, keyPackage: KeyPackage, announced: AnnouncedWelcome): void {
  const { groupContext } = info;
  if (!isEqual(groupContext.groupId, encodeGroupId(announced))) fail("wrong_group");
  if (Number(groupContext.epoch) !== announced.epoch + 1) fail("wrong_epoch");
  if (groupContext.cipherSuite !== keyPackage.cipherSuite) fail("wrong_suite");
  if (info.extensions.length > 0 || groupContext.extensions.length > 0) fail("leaf_policy");
}
