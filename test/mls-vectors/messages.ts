/** messages, message-protection, welcome. */
import { strict as assert } from "node:assert";
import {
  type CiphersuiteImpl,
  decodeMlsMessage,
  encodeMlsMessage,
  type FramedContent,
  type GroupContext,
  type MLSMessage,
  type Proposal,
  type RatchetTree,
} from "ts-mls";
import { decodeCommit, encodeCommit } from "ts-mls/commit.js";
import { createContentCommitSignature } from "ts-mls/framedContent.js";
import { verifyGroupInfoConfirmationTag, verifyGroupInfoSignature } from "ts-mls/groupInfo.js";
import { decodeGroupSecrets, encodeGroupSecrets } from "ts-mls/groupSecrets.js";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import {
  protectApplicationData,
  protectProposal,
  unprotectPrivateMessage,
} from "ts-mls/messageProtection.js";
import {
  protectProposalPublic,
  protectPublicMessage,
  unprotectPublicMessage,
} from "ts-mls/messageProtectionPublic.js";
import * as proposals from "ts-mls/proposal.js";
import { decodeRatchetTree, encodeRatchetTree } from "ts-mls/ratchetTree.js";
import { createSecretTree } from "ts-mls/secretTree.js";
import { decryptGroupInfo, decryptGroupSecrets } from "ts-mls/welcome.js";
import { same, type Vector, whole } from "./vector.ts";

type Codec = (bytes: Uint8Array) => Uint8Array;
const codec =
  <T>(
    decode: (bytes: Uint8Array, offset: number) => [T, number] | undefined,
    encode: (value: T) => Uint8Array,
  ): Codec =>
  (bytes) =>
    encode(whole(decode(bytes, 0), bytes));

const message = codec(decodeMlsMessage, encodeMlsMessage);
const codecs: Record<string, Codec> = {
  mls_welcome: message,
  mls_group_info: message,
  mls_key_package: message,
  public_message_application: message,
  public_message_proposal: message,
  public_message_commit: message,
  private_message: message,
  ratchet_tree: codec(decodeRatchetTree, encodeRatchetTree),
  group_secrets: codec(decodeGroupSecrets, encodeGroupSecrets),
  commit: codec(decodeCommit, encodeCommit),
  add_proposal: codec(proposals.decodeAdd, proposals.encodeAdd),
  update_proposal: codec(proposals.decodeUpdate, proposals.encodeUpdate),
  remove_proposal: codec(proposals.decodeRemove, proposals.encodeRemove),
  pre_shared_key_proposal: codec(proposals.decodePSK, proposals.encodePSK),
  re_init_proposal: codec(proposals.decodeReinit, proposals.encodeReinit),
  external_init_proposal: codec(proposals.decodeExternalInit, proposals.encodeExternalInit),
  group_context_extensions_proposal: codec(
    proposals.decodeGroupContextExtensions,
    proposals.encodeGroupContextExtensions,
  ),
};

export function messages(vector: Vector): void {
  for (const [name, roundTrip] of Object.entries(codecs)) {
    const bytes = vector.bytes(name);
    same(roundTrip(bytes), bytes, name);
  }
}

interface Protection {
  suite: CiphersuiteImpl;
  context: GroupContext;
  vector: Vector;
}
const senderLeaf = 1;
/** The vectors give the sender's key and no tree. */
const noTree: RatchetTree = [];

export async function messageProtection(vector: Vector): Promise<void> {
  const suite = await vector.suite();
  const context: GroupContext = {
    version: "mls10",
    cipherSuite: suite.name,
    groupId: vector.bytes("group_id"),
    epoch: BigInt(vector.number("epoch")),
    treeHash: vector.bytes("tree_hash"),
    confirmedTranscriptHash: vector.bytes("confirmed_transcript_hash"),
    extensions: [],
  };
  const given: Protection = { suite, context, vector };
  for (const kind of ["proposal", "commit", "application"]) {
    const content = vector.bytes(kind);
    if (kind !== "application")
      same(await openPublic(given, decode(vector.bytes(`${kind}_pub`))), content, `${kind}_pub`);
    same(await openPrivate(given, decode(vector.bytes(`${kind}_priv`))), content, `${kind}_priv`);
  }
  await protectAgain(given);
}

function decode(bytes: Uint8Array): MLSMessage {
  return whole(decodeMlsMessage(bytes, 0), bytes);
}

async function openPublic({ suite, context, vector }: Protection, sealed: MLSMessage): Promise<Uint8Array> {
  assert(sealed.wireformat === "mls_public_message");
  const [membershipKey, signatureKey] = [vector.bytes("membership_key"), vector.bytes("signature_pub")];
  const opened = await unprotectPublicMessage(
    membershipKey,
    context,
    noTree,
    sealed.publicMessage,
    suite,
    signatureKey,
  );
  return bytesOf(opened.content);
}

async function openPrivate({ suite, context, vector }: Protection, sealed: MLSMessage): Promise<Uint8Array> {
  assert(sealed.wireformat === "mls_private_message");
  const config = { retainKeysForGenerations: 10, retainKeysForEpochs: 1, maximumForwardRatchetSteps: 200 };
  const opened = await unprotectPrivateMessage(
    vector.bytes("sender_data_secret"),
    sealed.privateMessage,
    await createSecretTree(2, vector.bytes("encryption_secret"), suite.kdf),
    noTree,
    context,
    config,
    suite,
    vector.bytes("signature_pub"),
  );
  return bytesOf(opened.content.content);
}

function bytesOf(content: FramedContent): Uint8Array {
  if (content.contentType === "application") return content.applicationData;
  return content.contentType === "commit"
    ? encodeCommit(content.commit)
    : proposals.encodeProposal(content.proposal);
}

/** What the library protects, it opens again. */
async function protectAgain(given: Protection): Promise<void> {
  const { suite, context, vector } = given;
  const key = vector.bytes("signature_priv");
  const senderData = vector.bytes("sender_data_secret");
  const tree = () => createSecretTree(2, vector.bytes("encryption_secret"), suite.kdf);
  const none = new Uint8Array();
  const padding = { kind: "alwaysPad", paddingLength: 0 } as const;
  const proposalBytes = vector.bytes("proposal");
  const proposal: Proposal = whole(proposals.decodeProposal(proposalBytes, 0), proposalBytes);
  const asPrivate = (
    privateMessage: Awaited<ReturnType<typeof protectProposal>>["privateMessage"],
  ): MLSMessage => ({
    version: "mls10",
    wireformat: "mls_private_message",
    privateMessage,
  });
  const data = vector.bytes("application");
  const application = await protectApplicationData(
    key,
    senderData,
    data,
    none,
    context,
    await tree(),
    senderLeaf,
    padding,
    suite,
  );
  same(await openPrivate(given, asPrivate(application.privateMessage)), data, "application again");
  const secret = await protectProposal(
    key,
    senderData,
    proposal,
    none,
    context,
    await tree(),
    senderLeaf,
    padding,
    suite,
  );
  same(await openPrivate(given, asPrivate(secret.privateMessage)), proposalBytes, "proposal again");
  const membershipKey = vector.bytes("membership_key");
  const open = await protectProposalPublic(key, membershipKey, context, none, proposal, senderLeaf, suite);
  const asPublic = {
    version: "mls10",
    wireformat: "mls_public_message",
    publicMessage: open.publicMessage,
  } as const;
  same(await openPublic(given, asPublic), proposalBytes, "public proposal again");
  await protectCommitAgain(given);
}

async function protectCommitAgain(given: Protection): Promise<void> {
  const { suite, context, vector } = given;
  const bytes = vector.bytes("commit");
  const signed = await createContentCommitSignature(
    context,
    "mls_public_message",
    whole(decodeCommit(bytes, 0), bytes),
    { senderType: "member", leafIndex: senderLeaf },
    new Uint8Array(),
    vector.bytes("signature_priv"),
    suite.signature,
  );
  const auth = {
    contentType: "commit",
    signature: signed.signature,
    confirmationTag: new Uint8Array(32),
  } as const;
  const content = { wireformat: "mls_public_message", content: signed.framedContent, auth } as const;
  const publicMessage = await protectPublicMessage(vector.bytes("membership_key"), context, content, suite);
  same(
    await openPublic(given, { version: "mls10", wireformat: "mls_public_message", publicMessage }),
    bytes,
    "commit again",
  );
}

export async function welcome(vector: Vector): Promise<void> {
  const suite = await vector.suite();
  const [invitation, own] = [decode(vector.bytes("welcome")), decode(vector.bytes("key_package"))];
  assert(invitation.wireformat === "mls_welcome" && own.wireformat === "mls_key_package");
  const initKey = await suite.hpke.importPrivateKey(vector.bytes("init_priv"));
  const ref = await makeKeyPackageRef(own.keyPackage, suite.hash);
  const secrets = await decryptGroupSecrets(initKey, ref, invitation.welcome, suite.hpke);
  assert(secrets !== undefined, "group secrets");
  const noPsk = new Uint8Array(suite.kdf.size);
  const info = await decryptGroupInfo(invitation.welcome, secrets.joinerSecret, noPsk, suite);
  assert(info !== undefined, "group info");
  assert(await verifyGroupInfoSignature(info, vector.bytes("signer_pub"), suite.signature), "signature");
  assert(await verifyGroupInfoConfirmationTag(info, secrets.joinerSecret, noPsk, suite), "confirmation tag");
}
