/** The other MLS messages, read within bounds before the library sees them: application message, Welcome, GroupInfo. */
import { mlsBounds } from "./bounds.ts";
import { isEqual } from "./bytes.ts";
import { readCiphertext } from "./commit.ts";
import { encodeGroupId, type Generation } from "./group-id.ts";
import {
  type KeyPackageView,
  readExtension,
  readKeyPackage,
  readSuite,
  readVersion,
  type Suite,
} from "./leaf.ts";
import { Reader } from "./reader.ts";
import { refuse } from "./refusal.ts";

const wireFormats = { privateMessage: 2, welcome: 3, groupInfo: 4, keyPackage: 5 } as const;
/** RFC 9420, 17.3. */
const externalPubExtension = 4;

function open(bytes: Uint8Array, bytesMax: number, wireFormat: number): Reader {
  const reader = new Reader(bytes, bytesMax);
  readVersion(reader);
  if (reader.uint16() !== wireFormat) refuse("wrong_wire_format");
  return reader;
}

export interface MessageView {
  groupId: Uint8Array;
  epoch: number;
  authenticatedData: Uint8Array;
}

/** Application data only: a proposal or a commit in a PrivateMessage is refused. */
export function readMessage(bytes: Uint8Array): MessageView {
  const reader = open(bytes, mlsBounds.messageBytesMax, wireFormats.privateMessage);
  const groupId = reader.vector(64);
  const epoch = reader.uint64();
  if (reader.uint8() !== 1) refuse("wrong_wire_format");
  const authenticatedData = reader.vector(256);
  reader.vector(64);
  reader.vector(mlsBounds.messageBytesMax);
  reader.end();
  return { groupId, epoch, authenticatedData };
}

export function readKeyPackageMessage(bytes: Uint8Array): KeyPackageView {
  const reader = open(bytes, mlsBounds.keyPackageBytesMax, wireFormats.keyPackage);
  const view = readKeyPackage(reader);
  reader.end();
  return view;
}

/** Which key packages a Welcome is for (by reference), and the suite. */
export function readWelcome(bytes: Uint8Array): { suite: Suite; keyPackageRefs: Uint8Array[] } {
  const reader = open(bytes, mlsBounds.welcomeBytesMax, wireFormats.welcome);
  const suite = readSuite(reader);
  const keyPackageRefs = reader.items(mlsBounds.welcomeBytesMax, mlsBounds.addsPerCommitMax, (secrets) => {
    const ref = secrets.vector(64);
    readCiphertext(secrets);
    return ref;
  });
  reader.vector(mlsBounds.groupInfoBytesMax);
  reader.end();
  return { suite, keyPackageRefs };
}

export interface GroupInfoView extends GroupContextView {
  signer: number;
}
export interface GroupContextView {
  suite: Suite;
  groupId: Uint8Array;
  epoch: number;
  confirmedTranscriptHash: Uint8Array;
  confirmationTag: Uint8Array;
}

/** As the server stores it for joiners: external_pub its only extension, the tree beside it. */
export function readGroupInfo(bytes: Uint8Array): GroupInfoView {
  const reader = open(bytes, mlsBounds.groupInfoBytesMax, wireFormats.groupInfo);
  readVersion(reader);
  const suite = readSuite(reader);
  const groupId = reader.vector(64);
  const epoch = reader.uint64();
  reader.vector(64);
  const confirmedTranscriptHash = reader.vector(64);
  if (reader.vector(64).length > 0) refuse("leaf_policy");
  const extensions = reader.items(mlsBounds.groupInfoBytesMax, 1, readExtension);
  if (extensions.length !== 1 || extensions[0]?.type !== externalPubExtension) refuse("leaf_policy");
  const confirmationTag = reader.vector(64);
  const signer = reader.uint32();
  if (signer >= mlsBounds.leavesMax) refuse("bad_tree");
  reader.vector(mlsBounds.signatureBytesMax);
  reader.end();
  return { suite, groupId, epoch, confirmedTranscriptHash, confirmationTag, signer };
}

/** For the Conversation: GroupInfo that a commit brings along must be of the epoch that the commit leads to. */
export function checkGroupInfo(
  bytes: Uint8Array,
  expected: Generation & { epoch: number; suite: Suite },
): GroupInfoView {
  const view = readGroupInfo(bytes);
  if (!isEqual(view.groupId, encodeGroupId(expected))) refuse("wrong_group");
  if (view.epoch !== expected.epoch) refuse("wrong_epoch");
  if (view.suite !== expected.suite) refuse("wrong_suite");
  return view;
}
