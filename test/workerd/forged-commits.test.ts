/**
 * [E4] [E11] Commits that an insider makes with its own keys and without our rules, sent as the Worker sends them. What the
 * server lets pass every member would have to refuse; here nothing gets as far as the log.
 */
import { base64 } from "@scure/base";
import { decodeMlsMessage, encodeMlsMessage, type Proposal, type PublicMessage } from "ts-mls";
import type { ProposalOrRef } from "ts-mls/proposalOrRefType.js";
import { beforeAll, describe, expect, it } from "vitest";
import { sendMessage } from "../../src/client/mls/message.ts";
import type { CommitRequest } from "../../src/protocol/http.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { type Made, value } from "./mls-client.ts";
import { newMessageId, newUserId, sendCommit } from "./support/direct-chat.ts";
import { codeOf, foundGroup, type GroupChat, member, mustCommit, stateFor } from "./support/group-chat.ts";

/** The commit with more proposals, or as `change` makes it: the server has no keys, and asks for no signature. */
function spliced(envelope: string, proposals: ProposalOrRef[], change: Partial<CommitBody> = {}): string {
  const message = decodeMlsMessage(base64.decode(envelope), 0)?.[0];
  if (message?.wireformat !== "mls_public_message") throw new Error("not a PublicMessage");
  const { publicMessage } = message;
  const { content } = publicMessage;
  if (content.contentType !== "commit") throw new Error("not a commit");
  const commit = { ...content.commit, proposals: [...content.commit.proposals, ...proposals], ...change };
  const forged = { ...publicMessage, content: { ...content, commit } } as PublicMessage;
  return base64.encode(
    encodeMlsMessage({ version: "mls10", wireformat: "mls_public_message", publicMessage: forged }),
  );
}
type CommitBody = Extract<PublicMessage["content"], { contentType: "commit" }>["commit"];

const byValue = (proposal: Proposal): ProposalOrRef => ({ proposalOrRefType: "proposal", proposal });
const removing = (removed: number) => byValue({ proposalType: "remove", remove: { removed } });
const nonce = new Uint8Array(32);

let chat: GroupChat;
beforeAll(async () => {
  chat = await foundGroup(4);
});

async function sent(author: DeviceRef, request: CommitRequest, areActive = true) {
  const outcome = await chat.conversation().commit({ author, request, areActive });
  return "refused" in outcome ? [outcome.refused.code, outcome.refused.details.where] : ["accepted", ""];
}
async function withMore(author: DeviceRef, proposals: ProposalOrRef[], change: Partial<CommitBody> = {}) {
  const { request } = await chat.mls.commit(author);
  return { ...request, envelope: spliced(String(request.envelope), proposals, change) };
}

describe("a commit of a member", () => {
  it.each<[string, ProposalOrRef, string]>([
    ["by reference", { proposalOrRefType: "reference", reference: nonce }, "by_reference"],
    [
      "with ReInit",
      byValue({
        proposalType: "reinit",
        reinit: {
          groupId: nonce,
          version: "mls10",
          cipherSuite: "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
          extensions: [],
        },
      }),
      "forbidden_proposal",
    ],
    [
      "with a pre-shared key",
      byValue({
        proposalType: "psk",
        psk: { preSharedKeyId: { psktype: "external", pskId: nonce, pskNonce: nonce } },
      }),
      "forbidden_proposal",
    ],
    [
      "with group context extensions",
      byValue({ proposalType: "group_context_extensions", groupContextExtensions: { extensions: [] } }),
      "forbidden_proposal",
    ],
    [
      "with an external init",
      byValue({ proposalType: "external_init", externalInit: { kemOutput: nonce } }),
      "forbidden_proposal",
    ],
    ["with a Remove out of range", removing(0x3fff_ffff), "forbidden_proposal"],
    ["with a Remove of nobody's leaf", removing(77), "roster_change.remove"],
    ["with a Remove that the request is silent about", removing(2), "roster_change.remove"],
    ["that removes its own author", removing(0), "forbidden_proposal"],
  ])("%s is refused", async (_, proposal, where) => {
    expect(await sent(chat.owner, await withMore(chat.owner, [proposal]))).toEqual(["bad_commit", where]);
  });

  it("without a path is refused, and so is what is no commit", async () => {
    const pathless = await withMore(chat.owner, [], { path: undefined } as Partial<CommitBody>);
    expect(await sent(chat.owner, pathless)).toEqual(["bad_commit", "no_path"]);
    const { request } = await chat.mls.commit(chat.owner);
    const position = { messageId: request.message_id, baseSeq: 1, baseHash: nonce };
    const group = await chat.mls.groupOf(chat.owner);
    const message = value(await sendMessage(group, new Uint8Array(5), { position, stateHash: nonce }));
    for (const [envelope, where] of [
      [base64.encode(message.bytes), "wrong_wire_format"],
      ["AAAA", "malformed"],
      [`${base64.encode(base64.decode(String(request.envelope)).slice(0, -3))}`, "malformed"],
    ] as const)
      expect(await sent(chat.owner, { ...request, envelope })).toEqual(["bad_commit", where]);
  });

  it("says who made it, and the request must say the same", async () => {
    const [bob, carol] = [member(chat, 0), member(chat, 1)];
    const { request } = await chat.mls.commit(bob);
    expect(await sent(carol, request)).toEqual(["bad_commit", "committer"]);
    expect(await sent(bob, { ...request, message_id: newMessageId() })).toEqual(["bad_commit", "message_id"]);
  });

  it("adds whom it says it adds, in that order, and nobody that its account does not know as active", async () => {
    const [one, other] = [newUserId(), newUserId()].map((user_id) => ({ user_id, device_id: 1 }));
    if (one === undefined || other === undefined) throw new Error("two users");
    const { request } = await chat.mls.commit(chat.owner, { add: [one, other] });
    for (const add of [[], [one], [other, one], [one, { ...other, device_id: 2 }]])
      expect(await sent(chat.owner, { ...request, roster_change: { add, remove: [] } })).toEqual([
        "bad_commit",
        "roster_change.add",
      ]);
    expect(await sent(chat.owner, request, false)).toEqual(["bad_roster", "add: are active"]);
    expect(await sent(chat.owner, { ...request, welcome: null })).toEqual(["bad_commit", "welcome"]);
    const removed = { ...request.roster_change, remove: [member(chat, 0)] };
    expect(await sent(chat.owner, { ...request, roster_change: removed })).toEqual([
      "bad_commit",
      "roster_change.remove",
    ]);
  });
});

describe("an external commit", () => {
  const joiner = () => ({ ...member(chat, 0), device_id: 5 });
  const withRemove = (made: Made, leaf: number) => ({
    ...made.request,
    envelope: spliced(String(made.request.envelope), [removing(leaf)]),
  });

  it("with a Remove out of range is refused, whatever the request says of it", async () => {
    for (const leaf of [0x3fff_ffff, 2_048]) {
      const request = withRemove(await chat.mls.join(joiner()), leaf);
      expect(await sent(joiner(), request)).toEqual(["bad_commit", "forbidden_proposal"]);
      const claimed = { ...request.roster_change, remove: [member(chat, 1)] };
      expect(await sent(joiner(), { ...request, roster_change: claimed })).toEqual([
        "bad_commit",
        "forbidden_proposal",
      ]);
    }
  });

  it("removes no other user, and adds nobody besides", async () => {
    const request = withRemove(await chat.mls.join(joiner()), 2);
    const claimed = { ...request.roster_change, remove: [member(chat, 1)] };
    expect(await sent(joiner(), { ...request, roster_change: claimed })).toEqual([
      "bad_roster",
      "a joiner adds itself",
    ]);
    const stranger = { user_id: newUserId(), device_id: 1 };
    const made = await chat.mls.join(joiner());
    const beside = { ...made.request.roster_change, add: [joiner(), stranger] };
    expect(await sent(joiner(), { ...made.request, roster_change: beside })).toEqual([
      "bad_commit",
      "roster_change.add",
    ]);
    const asOwner = {
      ...made.request.roster_change,
      roles: [{ user_id: joiner().user_id, role: "owner" as const }],
    };
    expect((await sent(joiner(), { ...made.request, roster_change: asOwner }))[0]).toBe("bad_roster");
  });

  it("of a stranger, or sent by another device, is not taken", async () => {
    const stranger = { user_id: newUserId(), device_id: 1 };
    const made = await chat.mls.join(stranger);
    expect((await sent(stranger, made.request))[0]).toBe("not_found");
    expect(await sent(member(chat, 1), made.request)).toEqual(["bad_commit", "committer"]);
  });
});

describe("what comes with a commit", () => {
  it("is of the epoch that it leads to: neither old group info nor another group's", async () => {
    const before = chat.mls.newest.groupInfo;
    const { request } = await chat.mls.commit(chat.owner);
    const old = { ...request, group_info: base64.encode(before) };
    expect(await sent(chat.owner, old)).toEqual(["bad_commit", "wrong_epoch"]);
    const other = await foundGroup(2);
    const foreign = { ...request, group_info: base64.encode(other.mls.newest.groupInfo) };
    expect(await sent(chat.owner, foreign)).toEqual(["bad_commit", "wrong_group"]);
    expect(await sent(chat.owner, { ...request, group_info: "AAAA" })).toEqual(["bad_commit", "malformed"]);
    expect(await sent(chat.owner, { ...request, tree: "QR==" })).toEqual(["bad_frame", "blobs: not base64"]);
    expect((await sent(chat.owner, request))[0]).toBe("accepted");
  });
});

describe("two commits for one epoch", () => {
  it("[E2] one wins; the other learns where the group is, and nothing of it is kept", async () => {
    const group = await foundGroup(3);
    const [bob, carol] = [member(group, 0), member(group, 1)];
    const made = [await group.mls.commit(bob), await group.mls.commit(carol)];
    const [first, second] = await Promise.all(
      made.map(({ author, request }) => group.conversation().commit({ author, request, areActive: true })),
    );
    expect(first).toMatchObject({ accepted: { seq: 2 } });
    expect(second).toMatchObject({
      refused: { code: "stale_epoch", details: { epoch: 2, generation: 1, head: 2 } },
    });
    const [winner, loser] = made;
    if (winner === undefined || loser === undefined) throw new Error("two were made");
    group.mls.accepted(winner);
    expect(await group.conversation().groupInfo(carol)).toMatchObject({ epoch: 2, commit_seq: 2 });
    // The loser again, and the winner again: what was decided stands [L3].
    expect(codeOf(await sendCommit(group, loser))).toBe("stale_epoch");
    const again = { author: bob, request: winner.request, areActive: false };
    expect(await group.conversation().commit(again)).toEqual(first);
    expect(
      codeOf(
        await group
          .conversation()
          .commit({ ...again, request: { ...again.request, envelope: loser.request.envelope } }),
      ),
    ).toBe("id_conflict");
    await mustCommit(group, carol);
    expect(await stateFor(group, bob)).toMatchObject({ epoch: 3, head: 3 });
  });
});
