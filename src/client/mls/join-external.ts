/**
 * Joining by external commit: a member's new device, or one whose state is lost or cannot be brought on (E2, E12). It
 * removes at most one leaf, of the same user. The result is pending like any commit: adopted when the log has it.
 */
import { type ClientConfig, encodeMlsMessage, joinGroupExternal } from "ts-mls";
import { encodeAuthenticatedData, type LogPosition } from "../../mls-guard/authenticated-data.ts";
import { isEqual } from "../../mls-guard/bytes.ts";
import { readCredential } from "../../mls-guard/credential.ts";
import { encodeGroupId, type Generation } from "../../mls-guard/group-id.ts";
import type { LeafView } from "../../mls-guard/leaf.ts";
import { readGroupInfo } from "../../mls-guard/messages.ts";
import type { DeviceRef } from "../../protocol/ids.ts";
import { type PendingCommit, pendingFrom } from "./commit.ts";
import { attempt, fail, type Result } from "./failures.ts";
import { type Group, isSameDevice, libraryConfig, settled } from "./group.ts";
import { decodeGroupInfo, openTree } from "./group-info.ts";
import type { Device, Judge } from "./identity.ts";
import { decodeKeyPackage, makeKeyPackage, privateKeysOf } from "./key-packages.ts";
import { leafLimits } from "./leaf-limits.ts";
import { type GroupKind, implementationOf, suiteFor } from "./suites.ts";
import type { TranscriptAnchor } from "./transcript.ts";
import { checkOnlyTwoUsers } from "./two-users.ts";

export interface ExternalJoin extends Generation {
  kind: GroupKind;
  device: Device;
  /** The log's current epoch. An older GroupInfo is refused here, and by the server anyway. */
  epoch: number;
  /** anchorAfter of the public commits since the sibling's anchor; null without one, and the chat is unconfirmed (E12). */
  anchor: TranscriptAnchor | null;
  /** A leaf of the same user to take out. This device's own old leaf always goes. */
  replaces: DeviceRef | null;
  position: LogPosition;
  /** Hash of the state that stays as it is: from the last commit's authenticated data. */
  stateHash: Uint8Array;
  judge: Judge;
  nowMs: number;
}

export function joinByExternalCommit(
  groupInfo: Uint8Array,
  tree: Uint8Array,
  join: ExternalJoin,
): Promise<Result<PendingCommit>> {
  return attempt("group_info_invalid", async () => {
    const suite = suiteFor(join.kind);
    checkGroupInfo(groupInfo, join);
    const { leaves, tree: ratchetTree } = openTree(tree, join.judge);
    if (join.kind === "direct")
      await checkOnlyTwoUsers(join.conversationId, [
        ...leaves.map((leaf) => leaf.credential.device),
        join.device.ref,
      ]);
    const replaced = leafToReplace(leaves, join);
    if (leaves.length + (replaced === null ? 1 : 0) > leafLimits.leavesMax) fail("too_many_leaves");
    const own = await makeKeyPackage(join.device, { suite, isLastResort: false, nowMs: join.nowMs });
    const joined = await joinGroupExternal(
      decodeGroupInfo(groupInfo),
      decodeKeyPackage(own.bytes),
      privateKeysOf(own, join.device),
      replaced !== null,
      await implementationOf(suite),
      ratchetTree,
      replaced === null ? libraryConfig : configReplacing(replaced),
      encodeAuthenticatedData({ kind: "commit", ...join.position, stateHash: join.stateHash }),
    );
    const { conversationId, generation, kind } = join;
    const state = { ...settled(joined.newState), clientConfig: libraryConfig };
    const next: Group = { conversationId, generation, kind, suite, joinedEpoch: join.epoch + 1, state };
    const bytes = encodeMlsMessage({
      version: "mls10",
      wireformat: "mls_public_message",
      publicMessage: joined.publicMessage,
    });
    return await pendingFrom(bytes, join.epoch, next, { welcome: undefined, stateDocument: null });
  });
}

function checkGroupInfo(bytes: Uint8Array, join: ExternalJoin): void {
  const view = readGroupInfo(bytes);
  if (view.suite !== suiteFor(join.kind)) fail("wrong_suite");
  if (!isEqual(view.groupId, encodeGroupId(join))) fail("wrong_group");
  if (view.epoch !== join.epoch) fail("old_group_info");
  if (join.anchor === null) return;
  const { epoch, confirmedHash, confirmationTag } = join.anchor;
  const isAnchored =
    epoch === view.epoch &&
    isEqual(confirmedHash, view.confirmedTranscriptHash) &&
    isEqual(confirmationTag, view.confirmationTag);
  if (!isAnchored) fail("old_group_info");
}

/** Asked before the library, which would look for a leaf that is not there for ever. */
function leafToReplace(leaves: readonly LeafView[], { device, replaces }: ExternalJoin): DeviceRef | null {
  const devices = leaves.map((leaf) => leaf.credential.device);
  const isOwnThere = devices.some((held) => isSameDevice(held, device.ref));
  const replaced = replaces ?? (isOwnThere ? device.ref : null);
  if (replaced === null) return null;
  if (replaced.user_id !== device.ref.user_id) return fail("removes_other_user");
  if (isOwnThere && !isSameDevice(replaced, device.ref)) return fail("duplicate_leaf");
  if (!devices.some((held) => isSameDevice(held, replaced))) return fail("nothing_to_replace");
  return replaced;
}

function configReplacing(replaced: DeviceRef): ClientConfig {
  return {
    ...libraryConfig,
    keyPackageEqualityConfig: {
      ...libraryConfig.keyPackageEqualityConfig,
      compareKeyPackageToLeafNode: (_, { credential }) =>
        credential.credentialType === "basic" &&
        isSameDevice(readCredential(credential.identity).device, replaced),
    },
  };
}
