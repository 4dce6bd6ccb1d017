/** The routes of a conversation: who may found one, and what a stranger can tell from outside. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { newUserId } from "../../durable/account/user-id.ts";
import { Conversation } from "../../durable/conversation/conversation.ts";
import { accountStub } from "../../durable/names.ts";
import { errorBody } from "../../src/protocol/errors.ts";
import type { Tokens } from "../../src/protocol/http.ts";
import { directConversationId } from "../../src/protocol/ids.ts";
import { type Answer, call, register } from "./access-client.ts";
import { MlsChat } from "./mls-client.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const messageId = "0199f000-0000-7000-8000-000000000001";
const unknownConversation = "A".repeat(43);

function ref(user: { user_id: string }, deviceId = 1) {
  return { user_id: user.user_id, device_id: deviceId };
}

/** A founding as it is sent; what it brings along is never looked at where its devices are refused. */
async function put(id: string, founder: Tokens, devices: unknown[], message = messageId): Promise<Answer> {
  const nothing = { envelope: "AAAA", welcome: null, group_info: "AAAA", tree: "AAAA", sealed_state: null };
  return await putBody(id, founder, {
    message_id: message,
    kind: "direct",
    generation: 1,
    devices,
    ...nothing,
  });
}
async function putBody(id: string, founder: Tokens, body: unknown): Promise<Answer> {
  return await call(`/v1/conversations/${id}`, { method: "PUT", token: founder.access_token, body });
}

/** A chat of two new users. */
async function founded() {
  const [one, other] = [await register(), await register()];
  const id = await directConversationId(one.user_id, other.user_id);
  const { request } = await new MlsChat(id, "direct").founding([ref(one), ref(other)]);
  const answer = await putBody(id, one, request);
  expect(answer.status).toBe(200);
  return { one, other, id, request, state: answer.body };
}

describe("founding", () => {
  test("reaches the Conversation with the author of the token, and both members may read it", async () => {
    const { one, other, id, state } = await founded();
    expect(state).toMatchObject({ conversation_id: id, kind: "direct", epoch: 1, head: 1 });
    for (const { access_token: token } of [one, other]) {
      expect((await call(`/v1/conversations/${id}`, { token })).body.members).toHaveLength(2);
    }
    const page = await call(`/v1/conversations/${id}/entries?after=0`, { token: other.access_token });
    expect(page.body.entries).toMatchObject([{ seq: 1, sender: ref(one) }]);
  });

  test("is refused for any other devices than active ones of exactly the two users of the id", async () => {
    const [one, other, third] = [await register(), await register(), await register()];
    const id = await directConversationId(one.user_id, other.user_id);
    const foundCalls = vi.spyOn(Conversation.prototype, "found");
    const refused = [
      [ref(one)],
      [ref(other)],
      [ref(other), ref(third)],
      [ref(one), ref(other), ref(third)],
      [ref(one), ref(one), ref(other)],
      [ref(one), ref(other, 2)],
      [ref(one), ref(one, 2), ref(other)],
      [ref(one, 2), ref(other)],
      [ref(one), ref(third)],
    ];
    for (const devices of refused) {
      expect((await put(id, one, devices)).body.error.code, JSON.stringify(devices)).toBe("bad_roster");
    }
    expect((await put(unknownConversation, one, [ref(one), ref(other)])).body.error.code).toBe("bad_roster");
    const nobody = { user_id: newUserId() };
    const emptyId = await directConversationId(one.user_id, nobody.user_id);
    expect((await put(emptyId, one, [ref(one), ref(nobody)])).body.error.code).toBe("bad_roster");
    await accountStub(env, other.user_id).revokeDevice(1, 1);
    expect((await put(id, one, [ref(one), ref(other)])).body.error.code).toBe("bad_roster");
    expect(foundCalls).not.toHaveBeenCalled();
  });

  test("repeated after a lost answer gets that answer, though a device was logged out meanwhile [L3]", async () => {
    const { one, other, id, request, state } = await founded();
    await accountStub(env, other.user_id).revokeDevice(1, 1);
    const again = await putBody(id, one, request);
    expect(again).toMatchObject({ status: 200, body: { log_id: state.log_id } });
  });

  test("comes second for the other user, under another message id or the same [L3]", async () => {
    const { one, other, id, request } = await founded();
    for (const message of [request.message_id, messageId]) {
      const second = await put(id, other, [ref(one), ref(other)], message);
      expect(second.body.error.code).toBe("already_founded");
    }
  });
});

describe("founding a group", () => {
  test("is the founder's alone under an id that follows from it: nobody takes the place of others' direct chat [E15]", async () => {
    const [one, other, mallory] = [await register(), await register(), await register()];
    const mls = await MlsChat.group(mallory);
    const { request } = await mls.founding([ref(mallory), ref(one)]);
    const theirs = await directConversationId(one.user_id, other.user_id);
    for (const id of [theirs, unknownConversation, (await MlsChat.group(one)).id]) {
      const refused = await putBody(id, mallory, request);
      expect(refused.body.error).toMatchObject({
        code: "bad_roster",
        where: expect.stringContaining("conversation_id"),
      });
      const direct = env.CONVERSATION.getByName(id);
      expect(await direct.found({ author: ref(mallory), ...request })).toMatchObject({
        refused: { code: "bad_roster" },
      });
    }
    const { body } = await putBody(mls.id, mallory, request);
    expect(body).toMatchObject({
      kind: "group",
      suite: "x25519",
      members: [{ role: "owner" }, { role: "member" }],
    });
    const direct = await new MlsChat(theirs, "direct").founding([ref(one), ref(other)]);
    expect((await putBody(theirs, one, direct.request)).status).toBe(200);
  });
});

describe("a stranger", () => {
  test("cannot tell a chat that exists from one that does not or cannot", async () => {
    const { id } = await founded();
    const stranger = await register();
    const place = { message_id: messageId, generation: 1, epoch: 1, base_seq: 0 };
    const message = { ...place, envelope: "AAAA" };
    const objects = { welcome: null, group_info: "AAAA", tree: "AAAA", sealed_state: null };
    const commit = { ...message, ...objects, roster_change: { add: [ref(stranger)], remove: [] } };
    const leave = { ...place, signature: "AAAA" };
    const requests = [
      { path: "", body: undefined },
      { path: "/entries?after=0", body: undefined },
      { path: "/messages", body: message },
      { path: "/commits", body: commit },
      { path: "/leave", body: leave },
      { path: "/welcome", body: undefined },
      { path: "/group-info", body: undefined },
    ];
    for (const target of [id, unknownConversation, "short", "%00"]) {
      for (const { path, body } of requests) {
        const answer = await call(`/v1/conversations/${target}${path}`, {
          token: stranger.access_token,
          body,
        });
        expect(answer.status, target + path).toBe(404);
        expect(answer.body, target + path).toEqual(errorBody("not_found"));
      }
    }
  });

  test("cannot found itself into a chat of others, whether or not that exists", async () => {
    const { one, other, id } = await founded();
    const stranger = await register();
    const onExisting = await put(id, stranger, [ref(stranger), ref(one), ref(other)]);
    const onMissing = await put(unknownConversation, stranger, [ref(stranger), ref(one), ref(other)]);
    expect(onExisting.body).toEqual(onMissing.body);
    const next = { ...(await new MlsChat(id, "direct").founding([ref(stranger), ref(one)], 2)).request };
    const [onTheirs, onNothing] = [
      await putBody(id, stranger, next),
      await putBody(unknownConversation, stranger, next),
    ];
    expect([onTheirs.status, onTheirs.body]).toEqual([onNothing.status, onNothing.body]);
    expect(onTheirs.body.error.code).toBe("bad_roster");
    const borrowed = await put(id, stranger, [ref(one), ref(other)]);
    expect(borrowed.body.error.code).toBe("bad_roster");
  });

  test("without a token learns nothing, not even whether the body is well formed", async () => {
    const { id } = await founded();
    for (const [path, body] of [
      ["", undefined],
      ["/entries?after=0", undefined],
      ["/messages", "not a message"],
    ]) {
      expect((await call(`/v1/conversations/${id}${path}`, { body })).status).toBe(401);
    }
  });
});
