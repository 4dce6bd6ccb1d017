/** Bugs in access: who gets in, who learns what, and what a logged-out device still can. */
import type { PlantedBug } from "../planted-bug.ts";

export const accessBugs: PlantedBug[] = [
  {
    id: "stranger-reads-state",
    rules: ["access"],
    says: "Whoever is not a member is told the state of a chat.",
    changes: [
      {
        file: "durable/conversation/conversation.ts",
        find: "if (loaded === null || member === undefined || member.left_seq !== undefined) return null;",
        replace: "if (loaded === null || member?.left_seq !== undefined) return null;",
      },
    ],
    checks: ["test/workerd/access-conversations.test.ts"],
  },
  {
    id: "expired-token-works",
    rules: ["access"],
    says: "An access token works for a day after its end.",
    changes: [
      {
        file: "src/edge/access-token.ts",
        find: 'const requirements = { algorithms: ["HS256"],',
        replace: 'const requirements = { clockTolerance: 86_400, algorithms: ["HS256"],',
      },
    ],
    checks: ["test/workerd/access-login.test.ts"],
  },
  {
    id: "logged-out-stays-connected",
    rules: ["access"],
    says: "Logging a device out leaves its inbox socket open.",
    changes: [
      {
        file: "durable/inbox/inbox.ts",
        find: 'if (connection !== undefined) this.#core.sockets.close(connection, "revoked");',
        replace: "void connection;",
      },
    ],
    checks: ["test/workerd/poll.test.ts", "sim"],
  },
  {
    id: "stolen-refresh-token",
    rules: ["access"],
    says: "A refresh token that was used long ago still gives new ones.",
    changes: [
      {
        file: "durable/account/refresh.ts",
        find: "if (hasExpired || grant.generation < device.refresh_generation - 1) {",
        replace: "if (hasExpired) {",
      },
    ],
    checks: ["test/workerd/access-login.test.ts"],
  },
  {
    id: "guesses-uncounted",
    rules: ["access"],
    says: "A one-time code may be guessed at without end.",
    changes: [
      {
        file: "durable/directory/phone-record.ts",
        find: "const counted = { ...record, code: { ...code, attempts: code.attempts + 1 } };",
        replace: "const counted = { ...record, code: { ...code } };",
      },
    ],
    checks: ["test/unit/edge/phone-record.test.ts", "test/workerd/access-register.test.ts"],
  },
  {
    id: "roster-of-others",
    rules: ["access"],
    says: "A member's commit may add and remove another user's devices.",
    changes: [
      {
        file: "durable/conversation/roster-rules.ts",
        find: 'return change.remove.every(mayRemove) && change.add.every(mayAdd) ? undefined : refuse("not_allowed");',
        replace: "return void [mayRemove, mayAdd];",
      },
    ],
    checks: ["test/unit/durable/roster-rules.test.ts"],
  },
];
