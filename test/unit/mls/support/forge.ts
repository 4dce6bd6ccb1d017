/** What an attacker can make with the library itself, who has a member's keys and keeps none of our rules. */
import {
  type CiphersuiteImpl,
  type ClientState,
  type CreateCommitOptions,
  createCommit,
  createProposal,
  decodeMlsMessage,
  encodeMlsMessage,
  type Proposal,
  type PublicMessage,
} from "ts-mls";
import { createContentCommitSignature } from "ts-mls/framedContent.js";
import { v7 } from "uuid";
import type { Device } from "../../../../src/client/mls/identity.ts";
import { stateHash } from "../../../../src/client/mls/sealed-state.ts";
import { implementationOf } from "../../../../src/client/mls/suites.ts";
import { encodeAuthenticatedData, readCommitData } from "../../../../src/mls-guard/authenticated-data.ts";
import { document, type LogEntry, type Member } from "./world.ts";

export interface Forged {
  entry: LogEntry;
  bytes: Uint8Array;
  welcome: Uint8Array | null;
  state: ClientState;
}

/** A commit of any proposals, signed and well-formed, in the log at the place where a right one would stand. */
export async function forgeCommit(
  member: Member,
  proposals: Proposal[],
  options: CreateCommitOptions & { state?: ClientState; suite?: CiphersuiteImpl } = {},
): Promise<Forged> {
  const { state = member.group.state, suite = await implementationOf(member.group.suite), ...more } = options;
  const position = member.position();
  const authenticatedData = encodeAuthenticatedData({
    kind: "commit",
    ...position,
    stateHash: stateHash(document),
  });
  const made = await createCommit(
    { state, cipherSuite: suite },
    {
      wireAsPublicMessage: true,
      forceUpdatePath: true,
      authenticatedData,
      extraProposals: proposals,
      ...more,
    },
  );
  const bytes = encodeMlsMessage(made.commit);
  const { welcome } = made;
  return {
    bytes,
    state: made.newState,
    welcome:
      welcome === undefined
        ? null
        : encodeMlsMessage({ version: "mls10", wireformat: "mls_welcome", welcome }),
    entry: commitEntry(member, bytes, position.messageId),
  };
}

/** Not appended to the log: what happens to it is the test's question. */
export function commitEntry(member: Member, bytes: Uint8Array, messageId = v7()): LogEntry {
  const { log } = member;
  const place = { seq: log.entries.length + 1, epoch: log.epoch, messageId, sender: member.ref, sentAt: 0 };
  return { kind: "commit", ...place, bytes, pending: null };
}

export function entryAs(entry: LogEntry, change: Partial<LogEntry>): LogEntry {
  return { ...entry, ...change };
}

export function decodeCommit(bytes: Uint8Array): PublicMessage {
  const message = decodeMlsMessage(bytes, 0)?.[0];
  if (message?.wireformat !== "mls_public_message") throw new Error("not a PublicMessage");
  return message.publicMessage;
}
export function encodeCommit(publicMessage: PublicMessage): Uint8Array {
  return encodeMlsMessage({ version: "mls10", wireformat: "mls_public_message", publicMessage });
}

/** An external commit with other proposals, signed again by the joiner, who needs nobody's keys for that. */
export async function withProposals(
  bytes: Uint8Array,
  proposals: Proposal[],
  joiner: Device,
  group: Member["group"],
): Promise<Uint8Array> {
  const message = decodeCommit(bytes);
  if (message.content.contentType !== "commit") throw new Error("not a commit");
  const { commit, authenticatedData, sender } = message.content;
  const suite = await implementationOf(group.suite);
  const byValue = proposals.map((proposal) => ({ proposalOrRefType: "proposal" as const, proposal }));
  const signed = await createContentCommitSignature(
    group.state.groupContext,
    "mls_public_message",
    { ...commit, proposals: [...commit.proposals, ...byValue] },
    sender,
    authenticatedData,
    joiner.leafKey.privateKey,
    suite.signature,
  );
  return encodeCommit({
    ...message,
    content: signed.framedContent,
    auth: { ...message.auth, signature: signed.signature },
  });
}

export async function standaloneProposal(member: Member, isPublic: boolean): Promise<Uint8Array> {
  const suite = await implementationOf(member.group.suite);
  const proposal: Proposal = { proposalType: "remove", remove: { removed: 1 } };
  const { message } = await createProposal(member.group.state, isPublic, proposal, suite);
  return encodeMlsMessage(message);
}

export function messageIdIn(bytes: Uint8Array): string {
  return readCommitData(decodeCommit(bytes).content.authenticatedData).messageId;
}
