/** Bugs in what the server holds to of the encryption: commits, roster, leaves, key packages, blobs. */
import type { PlantedBug } from "../planted-bug.ts";

const commitRules = "durable/conversation/commit-rules.ts";
const rosterRules = "durable/conversation/roster-rules.ts";
const forged = "test/workerd/forged-commits.test.ts";

export const encryptionBugs: PlantedBug[] = [
  {
    id: "removes-unsaid",
    rules: ["E2"],
    says: "The leaves that a commit removes are not compared with the roster change.",
    changes: [
      {
        file: commitRules,
        find: 'if (!isSameSet(leaves, facts.removedLeaves)) return bad("roster_change.remove");',
        replace: "void leaves;",
      },
    ],
    checks: [forged],
  },
  {
    id: "adds-in-any-order",
    rules: ["E2"],
    says: "The devices that a commit adds may be named in another order.",
    changes: [
      {
        file: commitRules,
        find: "return one.map(deviceKey).join() === other.map(deviceKey).join();",
        replace: "return one.map(deviceKey).sort().join() === other.map(deviceKey).sort().join();",
      },
    ],
    checks: [forged],
  },
  {
    id: "any-committer",
    rules: ["E2"],
    says: "A commit may be sent by another device than made it.",
    changes: [
      {
        file: commitRules,
        find: 'if (deviceKey(facts.committer) !== deviceKey(author)) return bad("committer");',
        replace: "",
      },
    ],
    checks: [forged],
  },
  {
    id: "old-group-info",
    rules: ["E11"],
    says: "GroupInfo that comes with a commit may be of the epoch before it.",
    changes: [
      {
        file: commitRules,
        find: "commitGuard.inspectGroupInfoBytes(groupInfo, led) ??",
        replace: "(groupInfo.length === 0 ? commitGuard.inspectGroupInfoBytes(groupInfo, led) : null) ??",
      },
    ],
    checks: [forged],
  },
  {
    id: "leaf-at-the-end",
    rules: ["E2"],
    says: "A new device's leaf is taken to be the next after the last, not the leftmost blank one.",
    changes: [
      {
        file: "durable/conversation/roster-change.ts",
        find: "  let lowest = 0;",
        replace: "  let lowest = Math.max(-1, ...taken) + 1;",
      },
    ],
    checks: ["test/workerd/group-roster.test.ts"],
  },
  {
    id: "any-generation",
    rules: ["E3"],
    says: "A message of another generation is taken where the epochs are alike.",
    changes: [
      {
        file: "durable/conversation/append.ts",
        find: ": draft.generation === generation && draft.epoch === epoch;",
        replace: ": draft.epoch === epoch;",
      },
    ],
    checks: ["test/workerd/leaving.test.ts"],
  },
  {
    id: "sends-past-the-left",
    rules: ["E14"],
    says: "Messages are taken though somebody who left still has a leaf.",
    changes: [
      {
        file: "durable/conversation/append.ts",
        find: 'return isDue ? { code: "commit_required", details: { head: batch.head.seq } } : undefined;',
        replace: "return void isDue;",
      },
    ],
    checks: ["test/workerd/leaving.test.ts"],
  },
  {
    id: "commits-past-the-left",
    rules: ["E14"],
    says: "A commit need not remove those who left.",
    changes: [
      {
        file: rosterRules,
        find: 'if ([...due].some((key) => !removed.has(key))) return refuse("commit_required");',
        replace: "void removed;",
      },
    ],
    checks: ["test/workerd/leaving.test.ts"],
  },
  {
    id: "admins-remove-admins",
    rules: ["access"],
    says: "An admin may remove other admins, and the owner.",
    changes: [
      {
        file: rosterRules,
        find: 'return role === "owner" || (role === "admin" && theirs === "member");',
        replace: 'return role !== "member" || theirs === undefined;',
      },
    ],
    checks: ["test/workerd/group-roster.test.ts"],
  },
  {
    id: "owner-goes-with-its-devices",
    rules: ["access"],
    says: "An owner whose last device was removed has left, and the group has none.",
    changes: [
      {
        file: "durable/conversation/roster-change.ts",
        find: 'kind === "group" && member.role !== "owner" &&',
        replace: 'kind === "group" &&',
      },
    ],
    checks: ["test/unit/durable/roster-rules.test.ts"],
  },
  {
    id: "squatted-chat",
    rules: ["E15"],
    says: "A group may be founded under any id, that of others' direct chat as well.",
    changes: [
      {
        file: "durable/conversation/foundings.ts",
        find: 'if (call.kind === "group") return await groupConversationId(call.author.user_id, call.message_id);',
        replace: 'if (call.kind === "group") return undefined;',
      },
      {
        file: "durable/conversation/foundings.ts",
        find: "return (await foundedId(call)) === core.id;",
        replace: "return [core.id, undefined].includes(await foundedId(call));",
      },
    ],
    checks: ["test/workerd/access-conversations.test.ts"],
  },
  {
    id: "package-given-twice",
    rules: ["E6"],
    says: "A one-time key package that was handed out is forgotten, and taken again when it is uploaded again.",
    changes: [
      {
        file: "durable/account/key-packages.ts",
        find: '"UPDATE key_packages SET package = NULL WHERE id = ?"',
        replace: '"DELETE FROM key_packages WHERE id = ?"',
      },
    ],
    checks: ["test/workerd/key-packages.test.ts"],
  },
  {
    id: "strangers-use-packages-up",
    rules: ["E6"],
    says: "Strangers get one-time key packages.",
    changes: [
      {
        file: "durable/account/claims.ts",
        find: "!isOwn && (isStranger || isUsedUp(sql, claimer.user_id, now))",
        replace: "!isOwn && isUsedUp(sql, claimer.user_id, now) && !isStranger",
      },
    ],
    checks: ["test/workerd/key-packages.test.ts"],
  },
  {
    id: "storm-uses-packages-up",
    rules: ["E6"],
    says: "One claimer may use all one-time packages of a user up.",
    changes: [
      {
        file: "durable/account/claims.ts",
        find: "return take(sql, byOne, now) > 0 || take(sql, byAll, now) > 0;",
        replace: "return take(sql, byOne, now) > 0 && take(sql, byAll, now) > 0;",
      },
    ],
    checks: ["test/workerd/key-packages.test.ts"],
  },
  {
    id: "revoked-keeps-packages",
    rules: ["E6"],
    says: "The key packages of a device that was logged out stay.",
    changes: [
      {
        file: "durable/account/account.ts",
        find: 'if (duties.some((duty) => duty.inbox_duty === "revoke")) keyPackages.dropKeyPackagesOfRevoked(this.#sql);',
        replace: "",
      },
    ],
    checks: ["test/workerd/key-packages.test.ts"],
  },
  {
    id: "blob-of-other-bytes",
    rules: ["E2"],
    says: "A blob is stored under a hash that is not its own.",
    changes: [
      {
        file: "src/edge/routes/blobs.ts",
        find: "if (base64urlnopad.encode(sha256(bytes)) !== hash)",
        replace: "if (base64urlnopad.encode(sha256(bytes)).length !== hash.length)",
      },
    ],
    checks: ["test/workerd/blobs.test.ts"],
  },
  {
    id: "logged-blob-swept",
    rules: ["E2", "F5"],
    says: "What the log names is swept with what nobody names.",
    changes: [
      {
        file: "durable/conversation/objects.ts",
        find: "const unnamed = `is_logged = 0",
        replace: "const unnamed = `is_logged < 2",
      },
    ],
    checks: ["test/workerd/blobs.test.ts"],
  },
  {
    id: "welcome-gone-too-soon",
    rules: ["E2"],
    says: "A Welcome goes once it was fetched, though its device has acknowledged nothing.",
    changes: [
      {
        file: "durable/conversation/blobs.ts",
        find: "return !isFetched || (loaded?.progress.device(device)?.acked ?? 0) < seq;",
        replace: "return !isFetched || loaded === null || seq < 0;",
      },
    ],
    checks: ["test/workerd/admission.test.ts"],
  },
  {
    id: "rejoined-reads-the-gap",
    rules: ["F8"],
    says: "Who was removed and added again reads what was said meanwhile.",
    changes: [
      {
        file: "durable/conversation/roster-change.ts",
        find: "before !== undefined && isActive(before) ? before.joined_seq : at.seq;",
        replace: "before?.joined_seq ?? at.seq;",
      },
    ],
    checks: ["test/workerd/group-roster.test.ts"],
  },
];
