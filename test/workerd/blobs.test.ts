/** Large MLS objects by way of R2, through the Worker: who may, what is checked, what is swept (E2, F5). */

import { runDurableObjectAlarm } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { sha256 } from "@noble/hashes/sha2.js";
import { base64, base64urlnopad } from "@scure/base";
import { afterEach, describe, expect, it, vi } from "vitest";
import { blobKey } from "../../durable/conversation/blobs.ts";
import type { Tokens } from "../../src/protocol/http.ts";
import { limits } from "../../src/protocol/limits.ts";
import { type Answer, call, register } from "./access-client.ts";
import { MlsChat, newConversationId } from "./mls-client.ts";
import { armedAt, crash, moveClock, rowsOf } from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const ref = ({ user_id }: { user_id: string }, device_id = 1) => ({ user_id, device_id });
const hashOf = (bytes: Uint8Array) => base64urlnopad.encode(sha256(bytes));
let filler = 0;
function bytesOf(size: number): Uint8Array {
  filler += 1;
  return new Uint8Array(size).fill(filler);
}

async function group() {
  const [owner, bob] = [await register(), await register()];
  const mls = await MlsChat.group(owner);
  const { id } = mls;
  const founding = await mls.founding([ref(owner), ref(bob)]);
  const answer = await call(`/v1/conversations/${id}`, {
    method: "PUT",
    token: owner.access_token,
    body: founding.request,
  });
  expect(answer.status).toBe(200);
  mls.founded(founding);
  return { id, owner, bob, mls, conversation: env.CONVERSATION.getByName(id) };
}

async function put(
  id: string,
  { access_token }: Tokens,
  bytes: Uint8Array,
  hash = hashOf(bytes),
): Promise<Answer> {
  const response = await exports.default.fetch(
    `https://kittiwake.test/v1/conversations/${id}/blobs/${hash}`,
    {
      method: "PUT",
      headers: { authorization: `Bearer ${access_token}` },
      body: bytes,
    },
  );
  return { status: response.status, body: await response.json(), headers: response.headers };
}
async function get(id: string, { access_token }: Tokens, hash: string): Promise<Uint8Array | number> {
  const response = await exports.default.fetch(
    `https://kittiwake.test/v1/conversations/${id}/blobs/${hash}`,
    {
      headers: { authorization: `Bearer ${access_token}` },
    },
  );
  const bytes = new Uint8Array(await response.arrayBuffer());
  return response.status === 200 ? bytes : response.status;
}
const inBucket = async (id: string, hash: string) => (await env.MEDIA.head(blobKey(id, hash))) !== null;

describe("a blob", () => {
  it("is uploaded before the commit that names it, and read back by members", async () => {
    const { id, owner, bob, mls } = await group();
    const state = bytesOf(200_000);
    const blob = { hash: hashOf(state), size: state.length };
    const { request } = await mls.commit(ref(owner));
    const named = { ...request, sealed_state: blob };
    const commit = { method: "POST", token: owner.access_token, body: named };
    expect((await call(`/v1/conversations/${id}/commits`, commit)).body.error.code).toBe("blob_missing");
    expect((await put(id, owner, state)).status).toBe(200);
    expect((await put(id, bob, state)).status).toBe(200);
    const wrongSize = { ...named, sealed_state: { ...blob, size: 5 } };
    expect(
      (await call(`/v1/conversations/${id}/commits`, { ...commit, body: wrongSize })).body.error.code,
    ).toBe("blob_missing");
    expect((await call(`/v1/conversations/${id}/commits`, commit)).body).toMatchObject({ seq: 2 });
    const page = await call(`/v1/conversations/${id}/entries?after=1`, { token: bob.access_token });
    expect(page.body.entries).toMatchObject([{ kind: "commit", sealed_state: blob }]);
    expect(await get(id, bob, blob.hash)).toEqual(state);
  });

  it("may be the commit itself, which is looked at all the same", async () => {
    const { id, owner } = await group();
    const bytes = bytesOf(200_000);
    expect((await put(id, owner, bytes)).status).toBe(200);
    const body = {
      message_id: "0199f000-0000-7000-8000-000000000001",
      generation: 1,
      epoch: 1,
      base_seq: 1,
      envelope: { hash: hashOf(bytes), size: bytes.length },
      roster_change: { add: [], remove: [] },
      welcome: null,
      group_info: "AAAA",
      tree: "AAAA",
      sealed_state: null,
    };
    const answer = await call(`/v1/conversations/${id}/commits`, { token: owner.access_token, body });
    expect(answer.body.error).toMatchObject({ code: "bad_commit", where: "malformed" });
  });

  it("[L3] that is the commit is named by the entry; a resend gets the first ack, other bytes conflict", async () => {
    const { id, owner, bob, mls, conversation } = await group();
    const made = await mls.commit(ref(owner));
    const bytes = base64.decode(String(made.request.envelope));
    const blob = { hash: hashOf(bytes), size: bytes.length };
    // As if it were a commit of two thousand leaves, which is too large to travel inside the request.
    await env.MEDIA.put(blobKey(id, blob.hash), bytes);
    await conversation.announceBlob(ref(owner), blob.hash);
    await conversation.blobUploaded(blob.hash, blob.size);
    const request = { ...made.request, envelope: blob };
    const sent = (body: unknown) =>
      call(`/v1/conversations/${id}/commits`, { token: owner.access_token, body });
    const first = await sent(request);
    expect(first.body).toMatchObject({ seq: 2 });
    expect((await sent(request)).body).toEqual(first.body);
    expect((await sent(made.request)).body.error.code).toBe("id_conflict");
    for (let round = 0; round < 2; round++) {
      const page = await call(`/v1/conversations/${id}/entries?after=1`, { token: bob.access_token });
      expect(page.body.entries).toMatchObject([{ kind: "commit", epoch: 1, envelope: blob }]);
      // Then as the row has it.
      await crash(conversation);
    }
    expect((await sent(request)).body).toEqual(first.body);
    expect(await get(id, bob, blob.hash)).toEqual(bytes);
    const info = await call(`/v1/conversations/${id}/group-info`, { token: bob.access_token });
    expect(info.body).toMatchObject({ epoch: 2, commit: blob });
  });

  it("of another hash, too large or too small is refused and written nowhere", async () => {
    const { id, owner } = await group();
    const [right, other] = [bytesOf(150_000), bytesOf(150_000)];
    const wrong = await put(id, owner, other, hashOf(right));
    expect(wrong.body.error).toMatchObject({ code: "bad_frame", where: "hash: is of other bytes" });
    const large = bytesOf(limits.blobBytesMax + 1);
    expect((await put(id, owner, large)).body.error.code).toBe("too_large");
    const small = bytesOf(limits.blobInlineBytesMax);
    expect((await put(id, owner, small)).body.error.code).toBe("bad_frame");
    for (const bytes of [right, other, large, small]) {
      expect(await inBucket(id, hashOf(bytes))).toBe(false);
      expect(await get(id, owner, hashOf(bytes))).toBe(404);
    }
  });

  it("is nothing to an outsider, who learns no more than of a chat that is not there", async () => {
    const { id, owner } = await group();
    const outsider = await register();
    const bytes = bytesOf(150_000);
    expect((await put(id, owner, bytes)).status).toBe(200);
    for (const target of [id, newConversationId(), "short"]) {
      expect((await put(target, outsider, bytes)).body.error.code).toBe("not_found");
      expect((await put(target, outsider, bytes, hashOf(new Uint8Array()))).body.error.code).toBe(
        "not_found",
      );
      expect(await get(target, outsider, hashOf(bytes))).toBe(404);
    }
    expect(await get(id, owner, "short")).toBe(404);
  });

  it("[F5] whose bytes come so slowly that its row was swept meanwhile has one again when they are written", async () => {
    const { id, owner, conversation } = await group();
    const bytes = bytesOf(150_000);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const answer = exports.default.fetch(
      `https://kittiwake.test/v1/conversations/${id}/blobs/${hashOf(bytes)}`,
      { method: "PUT", headers: { authorization: `Bearer ${owner.access_token}` }, body: readable },
    );
    void writer.write(bytes.subarray(0, 1_000));
    await vi.waitFor(async () =>
      expect(await rowsOf(conversation, "SELECT hash FROM objects WHERE bytes IS NULL")).toHaveLength(1),
    );
    moveClock(limits.blobUnnamedLifetimeMs + 1_000);
    await runDurableObjectAlarm(conversation);
    void writer.write(bytes.subarray(1_000));
    await writer.close();
    expect((await answer).status).toBe(200);
    expect(await get(id, owner, hashOf(bytes))).toEqual(bytes);
  });

  it("[F5] that no entry names is swept after an hour, one that is named stays", async () => {
    const { id, owner, mls, conversation } = await group();
    const [kept, lost, tree] = [bytesOf(150_000), bytesOf(150_000), bytesOf(150_000)];
    for (const bytes of [kept, lost, tree]) expect((await put(id, owner, bytes)).status).toBe(200);
    const named = (bytes: Uint8Array) => ({ hash: hashOf(bytes), size: bytes.length });
    const made = await mls.commit(ref(owner));
    const body = { ...made.request, sealed_state: named(kept), tree: named(tree) };
    expect((await call(`/v1/conversations/${id}/commits`, { token: owner.access_token, body })).status).toBe(
      200,
    );
    mls.accepted(made);
    const alarm = async () => {
      expect(await armedAt(conversation)).not.toBeNull();
      await runDurableObjectAlarm(conversation);
    };
    await alarm();
    expect(await inBucket(id, hashOf(lost))).toBe(true);
    moveClock(limits.blobUnnamedLifetimeMs + 1_000);
    await alarm();
    expect(await Promise.all([kept, lost, tree].map((bytes) => inBucket(id, hashOf(bytes))))).toEqual([
      true,
      false,
      true,
    ]);
    const next = await mls.commit(ref(owner));
    expect(
      (await call(`/v1/conversations/${id}/commits`, { token: owner.access_token, body: next.request }))
        .status,
    ).toBe(200);
    // The tree of the epoch before is nobody's any more.
    await alarm();
    moveClock(limits.blobUnnamedLifetimeMs + 10_000);
    await runDurableObjectAlarm(conversation);
    expect(await inBucket(id, hashOf(tree))).toBe(false);
    expect(await get(id, owner, hashOf(kept))).toEqual(kept);
    expect(await rowsOf(conversation, "SELECT hash FROM objects WHERE bytes IS NULL")).toHaveLength(1);
  });

  it("[F9] is one of a bounded number that a device has and no entry names", async () => {
    const { id, owner, bob, conversation } = await group();
    for (let i = 0; i < limits.blobsUnnamedPerDeviceMax; i++)
      expect(await conversation.announceBlob(ref(owner), hashOf(bytesOf(i)))).toEqual({ state: "announced" });
    expect((await put(id, owner, bytesOf(150_000))).body.error.code).toBe("busy");
    // One member's rest does not stand in another's way.
    expect((await put(id, bob, bytesOf(150_000))).status).toBeLessThan(300);
  });
});
