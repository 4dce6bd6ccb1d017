/** What a Conversation sees of a commit of the cheap engine, in the place of durable/conversation/commit-guard.ts. */
import type { commitGuard } from "../../durable/conversation/commit-guard.ts";
import type { ExpectedCommit } from "../../src/mls-guard/commit-rules.ts";
import type { GuardCode } from "../../src/mls-guard/refusal.ts";
import { type CheapGroupId, fromBytes } from "./cheap-mls.ts";

type Guard = typeof commitGuard;

function isOf(object: CheapGroupId, expected: CheapGroupId): boolean {
  return object.conversationId === expected.conversationId && object.generation === expected.generation;
}

const inspectCommitBytes: Guard["inspectCommitBytes"] = (bytes, expected) => {
  const commit = fromBytes(bytes, "commit");
  if (commit === null) return { refused: "malformed" };
  if (!isOf(commit, expected)) return { refused: "wrong_group" };
  if (commit.epoch !== expected.epoch) return { refused: "wrong_epoch" };
  if (commit.suite !== expected.suite) return { refused: "wrong_suite" };
  const { messageId, committer, senderLeaf, added, removedLeaves } = commit;
  return {
    facts: { messageId, committer, senderLeaf, added: added.map(({ device }) => device), removedLeaves },
  };
};

const suiteOfGroupInfoBytes: Guard["suiteOfGroupInfoBytes"] = (bytes) => {
  const info = fromBytes(bytes, "group_info");
  return info === null ? { refused: "malformed" } : { suite: info.suite };
};

const inspectGroupInfoBytes: Guard["inspectGroupInfoBytes"] = (
  bytes: Uint8Array,
  expected: ExpectedCommit,
): GuardCode | null => {
  const info = fromBytes(bytes, "group_info");
  if (info === null) return "malformed";
  if (!isOf(info, expected)) return "wrong_group";
  if (info.epoch !== expected.epoch) return "wrong_epoch";
  return info.suite === expected.suite ? null : "wrong_suite";
};

const inspectWelcomeBytes: Guard["inspectWelcomeBytes"] = (bytes, expected) => {
  const welcome = fromBytes(bytes, "welcome");
  if (welcome === null) return "malformed";
  if (welcome.suite !== expected.suite) return "wrong_suite";
  return welcome.packageRefs.length === expected.count ? null : "malformed";
};

export const cheapCommitGuard: Guard = {
  inspectCommitBytes,
  suiteOfGroupInfoBytes,
  inspectGroupInfoBytes,
  inspectWelcomeBytes,
};
