/** [E6] Key packages over the wire: what is taken, who gets which, and what a storm of claims can do. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { base64 } from "@scure/base";
import { afterEach, describe, expect, it, vi } from "vitest";
import { newUserId } from "../../durable/account/user-id.ts";
import { accountStub } from "../../durable/names.ts";
import { makeKeyPackage } from "../../src/client/mls/key-packages.ts";
import type { Suite } from "../../src/mls-guard/leaf.ts";
import { readKeyPackageMessage } from "../../src/mls-guard/messages.ts";
import type { Tokens } from "../../src/protocol/http.ts";
import { type DeviceRef, directConversationId } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import { call, register } from "./access-client.ts";
import { MlsChat, mlsDevice } from "./mls-client.ts";
import { openLiveInbox } from "./support/direct-chat.ts";
import { moveClock } from "./support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const ref = ({ user_id }: { user_id: string }, device_id = 1): DeviceRef => ({ user_id, device_id });
const hour = 3_600_000;

async function made(
  device: DeviceRef,
  suite: Suite = "x25519",
  last_resort = false,
  nowMs = Date.now(),
): Promise<{ suite: Suite; last_resort: boolean; package: string }> {
  const own = await makeKeyPackage(await mlsDevice(device), { suite, isLastResort: last_resort, nowMs });
  return { suite, last_resort, package: base64.encode(own.bytes) };
}
async function upload({ access_token: token }: Tokens, packages: unknown[]) {
  return await call("/v1/account/key-packages", { method: "PUT", token, body: { packages } });
}
/** So many one-time packages and a last-resort one. */
async function stocked(count: number): Promise<Tokens> {
  const user = await register();
  for (let left = count; left > 0; left -= 20) {
    const batch = Array.from({ length: Math.min(left, 20) }, () => made(ref(user)));
    expect((await upload(user, await Promise.all(batch))).status).toBe(200);
  }
  expect((await upload(user, [await made(ref(user), "x25519", true)])).status).toBe(200);
  return user;
}
async function claim({ access_token: token }: Tokens, user_ids: string[], suite: Suite = "x25519") {
  return await call("/v1/key-packages/claim", { token, body: { suite, user_ids } });
}
async function claimed(claimer: Tokens, user: Tokens): Promise<string | null> {
  const answer = await claim(claimer, [user.user_id]);
  expect(answer.status).toBe(200);
  return answer.body.users[0].devices[0].package;
}
const isLastResort = (text: string | null) => readKeyPackageMessage(base64.decode(text ?? "")).isLastResort;
async function counts({ access_token: token }: Tokens) {
  return (await call("/v1/account/key-packages", { token })).body;
}
async function acquainted(one: Tokens, other: Tokens): Promise<void> {
  const id = await directConversationId(one.user_id, other.user_id);
  const { request } = await new MlsChat(id, "direct").founding([ref(one), ref(other)]);
  const answer = await call(`/v1/conversations/${id}`, {
    method: "PUT",
    token: one.access_token,
    body: request,
  });
  expect(answer.status).toBe(200);
}

describe("uploading key packages", () => {
  it("keeps a hundred one-time ones and one last-resort one per suite; the same again changes nothing", async () => {
    const user = await register();
    const packages = await Promise.all(Array.from({ length: 30 }, () => made(ref(user))));
    for (let round = 0; round < 2; round++)
      expect((await upload(user, packages)).body).toEqual({
        x25519: { one_time: 30, last_resort: false },
        x_wing: { one_time: 0, last_resort: false },
      });
    for (let round = 0; round < 3; round++)
      await upload(user, await Promise.all(Array.from({ length: 30 }, () => made(ref(user)))));
    const last = [await made(ref(user), "x_wing", true), await made(ref(user), "x_wing", true)];
    expect((await upload(user, last)).body).toEqual({
      x25519: { one_time: limits.keyPackagesPerDeviceMax, last_resort: false },
      x_wing: { one_time: 0, last_resort: true },
    });
    expect(await counts(user)).toMatchObject({ x_wing: { last_resort: true } });
  });

  it("takes none of another device, suite, kind or lifetime, and none of the batch then", async () => {
    const user = await register();
    const right = await made(ref(user));
    const wrong: [unknown, string][] = [
      [await made(ref(user, 2)), "other_device"],
      [await made({ user_id: newUserId(), device_id: 1 }), "other_device"],
      [{ ...(await made(ref(user))), suite: "x_wing" }, "wrong_suite"],
      [{ ...(await made(ref(user))), last_resort: true }, "last_resort"],
      [await made(ref(user), "x25519", false, Date.now() - 91 * 24 * hour), "lifetime"],
      [await made(ref(user), "x25519", false, Date.now() + 48 * hour), "lifetime"],
      [{ ...right, package: "AAAA" }, "malformed"],
      [{ ...right, package: base64.encode(base64.decode(right.package).slice(0, -1)) }, "malformed"],
      [{ ...right, package: "QR==" }, "base64"],
    ];
    for (const [upload_, where] of wrong) {
      const answer = await upload(user, [right, upload_]);
      expect(answer.body.error, where).toMatchObject({ code: "bad_frame", where: `packages.1: ${where}` });
    }
    expect(await counts(user)).toMatchObject({ x25519: { one_time: 0 } });
  });
});

describe("claiming", () => {
  it("gives each one-time package once, then the last-resort one; what was given cannot be put back", async () => {
    const [alice, bob] = [await register(), await stocked(0)];
    await acquainted(alice, bob);
    const packages = [await made(ref(bob)), await made(ref(bob))];
    await upload(bob, packages);
    const given = [await claimed(alice, bob), await claimed(alice, bob)];
    expect(given).toEqual(packages.map((one) => one.package));
    await upload(bob, packages);
    const rest = [await claimed(alice, bob), await claimed(alice, bob)];
    expect(rest.map(isLastResort)).toEqual([true, true]);
    expect(rest[0]).toBe(rest[1]);
  });

  it("never gives the last one-time package to two who ask at once", async () => {
    const [alice, carol, bob] = [await register(), await register(), await stocked(1)];
    await acquainted(alice, bob);
    await acquainted(carol, bob);
    const both = await Promise.all([claimed(alice, bob), claimed(carol, bob)]);
    expect(both.map(isLastResort).sort()).toEqual([false, true]);
  });

  it("gives strangers the last-resort package only", async () => {
    const [mallory, bob] = [await register(), await stocked(3)];
    expect(isLastResort(await claimed(mallory, bob))).toBe(true);
    expect(await counts(bob)).toMatchObject({ x25519: { one_time: 3, last_resort: true } });
    await acquainted(mallory, bob);
    expect(isLastResort(await claimed(mallory, bob))).toBe(false);
  });

  it("answers for many users at once: every active device, null where there is nothing, none for nobody", async () => {
    const [alice, bob, carol] = [await register(), await stocked(1), await register()];
    const nobody = newUserId();
    const answer = await claim(alice, [bob.user_id, carol.user_id, nobody, alice.user_id]);
    expect(answer.body.users).toMatchObject([
      { user_id: bob.user_id, devices: [{ device_id: 1 }] },
      { user_id: carol.user_id, devices: [{ device_id: 1, package: null }] },
      { user_id: nobody, devices: [] },
      { user_id: alice.user_id, devices: [] },
    ]);
    const tooMany = Array.from({ length: limits.usersPerClaimMax + 1 }, () => newUserId());
    expect((await claim(alice, tooMany)).body.error.code).toBe("bad_frame");
    expect((await call("/v1/key-packages/claim", { body: {} })).status).toBe(401);
  });

  it("gives no expired package and none of a device that was logged out", async () => {
    const [alice, bob] = [await register(), await register()];
    await upload(bob, [await made(ref(bob)), await made(ref(bob), "x25519", true)]);
    await accountStub(env, bob.user_id).revokeDevice(1, 1);
    expect((await claim(alice, [bob.user_id])).body.users).toMatchObject([{ devices: [] }]);
    const left = await runInDurableObject(accountStub(env, bob.user_id), (_, { storage }) =>
      storage.sql.exec("SELECT id FROM key_packages").toArray(),
    );
    expect(left).toEqual([]);
    const carol = await stocked(1);
    const account = accountStub(env, carol.user_id);
    moveClock(91 * 24 * hour);
    const own = { claimer: ref(carol, 2), suite: "x25519" as const, isStranger: false };
    expect(await account.claimKeyPackages(own)).toEqual([{ device_id: 1, package: null }]);
  });
});

describe("a storm of claims", () => {
  it("of a thousand against one user by one acquaintance uses up ten packages, and is answered to the end", async () => {
    const [mallory, bob] = [await register(), await stocked(40)];
    const account = accountStub(env, bob.user_id);
    const call_ = { claimer: ref(mallory), suite: "x25519" as const, isStranger: false };
    for (let round = 0; round < 1_000; round += 50) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => account.claimKeyPackages(call_)));
      expect(answers.every((devices) => devices?.[0]?.package != null)).toBe(true);
    }
    expect(await counts(bob)).toMatchObject({
      x25519: { one_time: 40 - limits.oneTimeByClaimerPerHour, last_resort: true },
    });
  });

  it("by many claimers at once is bounded for the one they claim of", async () => {
    const bob = await stocked(100);
    const account = accountStub(env, bob.user_id);
    const by = () => ({
      claimer: { user_id: newUserId(), device_id: 1 },
      suite: "x25519" as const,
      isStranger: false,
    });
    await Promise.all(Array.from({ length: 200 }, () => account.claimKeyPackages(by())));
    const { x25519 } = await counts(bob);
    expect(x25519.one_time).toBe(100 - limits.oneTimePerHour);
  });

  it("is refused to a claimer beyond its own bound, with the time to wait", async () => {
    const mallory = await register();
    const account = accountStub(env, mallory.user_id);
    let taken = 0;
    while ((await account.takeClaims(1, limits.usersPerClaimMax)) === 0) taken += limits.usersPerClaimMax;
    expect(taken).toBeLessThanOrEqual(limits.usersClaimedBurst);
    const many = Array.from({ length: limits.usersPerClaimMax }, () => newUserId());
    const { status, body } = await claim(mallory, many);
    expect([status, body.error.code]).toEqual([429, "rate_limited"]);
    expect(body.error.retry_after_ms).toBeGreaterThan(0);
  });
});

describe("running low", () => {
  it("is told to the device that is connected, once a minute at most", async () => {
    const [alice, bob] = [await register(), await stocked(limits.keyPackagesLow)];
    await acquainted(alice, bob);
    const chat = { id: "A".repeat(43), inbox: () => env.INBOX.getByName(bob.user_id) };
    const socket = await openLiveInbox(chat as unknown as Parameters<typeof openLiveInbox>[0], ref(bob));
    expect(isLastResort(await claimed(alice, bob))).toBe(false);
    await socket.frame("keys_low");
    await claimed(alice, bob);
    expect(socket.received.filter(({ type }) => type === "keys_low")).toHaveLength(1);
  });
});

describe("a profile", () => {
  it("is kept as ciphertext and given to whoever is logged in; where there is none, there is nothing", async () => {
    const [alice, bob] = [await register(), await register()];
    const path = `/v1/users/${alice.user_id}/profile`;
    expect((await call(path, { token: bob.access_token })).body.error.code).toBe("not_found");
    const put = (sealed: string) =>
      call("/v1/account/profile", { method: "PUT", token: alice.access_token, body: { sealed } });
    expect((await put("c2VhbGVk")).status).toBe(200);
    expect((await call(path, { token: bob.access_token })).body).toEqual({ sealed: "c2VhbGVk" });
    expect((await put("QR==")).body.error.code).toBe("bad_frame");
    const large = base64.encode(new Uint8Array(limits.sealedProfileBytesMax + 3));
    expect((await put(large)).body.error.code).toBe("bad_frame");
    expect((await call(path)).status).toBe(401);
    expect((await call("/v1/users/short/profile", { token: bob.access_token })).status).toBe(404);
    await accountStub(env, alice.user_id).revokeDevice(1, 1);
    expect((await put("c2VhbGVk")).body.error.code).toBe("revoked");
  });
});
