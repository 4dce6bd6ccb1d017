/**
 * [E11] The one place where a Conversation looks into MLS bytes, before anything is stored: functions over bytes, and
 * nothing else is exported. What they say of a commit is compared with the roster elsewhere (commit-rules.ts).
 */
import { readCommitData } from "../../src/mls-guard/authenticated-data.ts";
import {
  addedBy,
  committerOf,
  type ExpectedCommit,
  inspectCommit,
} from "../../src/mls-guard/commit-rules.ts";
import type { Suite } from "../../src/mls-guard/leaf.ts";
import { checkGroupInfo, readGroupInfo, readWelcome } from "../../src/mls-guard/messages.ts";
import { type GuardCode, guardCodes, Refusal } from "../../src/mls-guard/refusal.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";

/** What a commit says in the clear. */
interface CommitFacts {
  /** From its authenticated data: a commit cannot be sent again under another id. */
  messageId: string;
  committer: DeviceRef;
  /** Null for a device that joins by this commit. */
  senderLeaf: number | null;
  /** In the order of its Adds. */
  added: DeviceRef[];
  removedLeaves: number[];
}

function inspectCommitBytes(
  bytes: Uint8Array,
  expected: ExpectedCommit,
): { facts: CommitFacts } | { refused: GuardCode } {
  const inspected = inspectCommit(bytes, expected);
  if ("refused" in inspected) return inspected;
  const { commit } = inspected;
  return {
    facts: {
      messageId: readCommitData(commit.authenticatedData).messageId,
      committer: committerOf(commit),
      senderLeaf: commit.senderLeaf,
      added: addedBy(commit),
      removedLeaves: commit.removes,
    },
  };
}

/** The suite that a founder chose. */
function suiteOfGroupInfoBytes(bytes: Uint8Array): { suite: Suite } | { refused: GuardCode } {
  let suite: Suite | null = null;
  const refused = codeOf(() => {
    suite = readGroupInfo(bytes).suite;
  });
  return suite === null ? { refused: refused ?? "malformed" } : { suite };
}

/** `expected.epoch`: the one that the commit leads to. Null when it is right. */
function inspectGroupInfoBytes(bytes: Uint8Array, expected: ExpectedCommit): GuardCode | null {
  return codeOf(() => void checkGroupInfo(bytes, expected));
}

/** Whether it is a Welcome of this suite for so many. Null when it is. */
function inspectWelcomeBytes(
  bytes: Uint8Array,
  expected: Pick<ExpectedCommit, "suite"> & { count: number },
): GuardCode | null {
  return codeOf(() => {
    const { suite, keyPackageRefs } = readWelcome(bytes);
    if (suite !== expected.suite) throw new Refusal<GuardCode>("wrong_suite");
    if (keyPackageRefs.length !== expected.count) throw new Refusal<GuardCode>("malformed");
  });
}

function codeOf(check: () => void): GuardCode | null {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof Refusal) return guardCodes.find((code) => code === error.code) ?? "malformed";
    throw error;
  }
}

/** An object, for the simulator to put its own in place: it has no MLS bytes. */
export const commitGuard = {
  inspectCommitBytes,
  suiteOfGroupInfoBytes,
  inspectGroupInfoBytes,
  inspectWelcomeBytes,
};
