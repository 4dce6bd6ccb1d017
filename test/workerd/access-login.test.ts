/** A login's life: access tokens, refreshing, logging out. */
import { env } from "cloudflare:workers";
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { accountStub } from "../../durable/names.ts";
import { signAccessToken } from "../../src/edge/access-token.ts";
import { signRefreshToken } from "../../src/edge/refresh-token.ts";
import { limits } from "../../src/protocol/limits.ts";
import { type Answer, call, register } from "./access-client.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

const secret = env.SERVER_SECRET ?? "";

async function ownDevices(token: string): Promise<Answer> {
  return await call("/v1/account/devices", { token });
}
async function refresh(refreshToken: string): Promise<Answer> {
  return await call("/v1/auth/refresh", { body: { refresh_token: refreshToken } });
}

describe("access tokens", () => {
  test("a fresh one opens the account, and the list says which device asks", async () => {
    const device = await register();
    const listed = await ownDevices(device.access_token);
    expect(listed.body.devices).toEqual([
      { device_id: 1, name: "Test device", created_at: expect.any(Number), is_this: true },
    ]);
  });

  test("an expired one is refused", async () => {
    const device = await register();
    vi.setSystemTime(Date.now() + limits.accessTokenLifetimeSeconds * 1000);
    expect(await ownDevices(device.access_token)).toMatchObject({
      status: 401,
      body: { error: { code: "unauthorized" } },
    });
  });

  test("missing, malformed, foreign and altered ones are all refused alike", async () => {
    const { user_id, device_id, access_token, refresh_token } = await register();
    const foreign = await signAccessToken("ab".repeat(32), { user_id, device_id });
    const [header, , signature] = access_token.split(".");
    const other = await signAccessToken(secret, { user_id, device_id: 2 });
    const spliced = [header, other.access_token.split(".")[1], signature].join(".");
    const unsigned = `${btoa('{"alg":"none"}')}.${access_token.split(".")[1]}.`;
    const sameKeyOtherAudience = await new SignJWT({ dev: 1 })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(user_id)
      .setAudience("another")
      .setExpirationTime("5m")
      .sign(new TextEncoder().encode(secret));
    const bad = ["", "x", foreign.access_token, spliced, unsigned, refresh_token, sameKeyOtherAudience];
    for (const token of bad) {
      expect(await ownDevices(token), token).toMatchObject({
        status: 401,
        body: { error: { code: "unauthorized" } },
      });
    }
    expect((await call("/v1/account/devices")).status).toBe(401);
  });

  test("one in the URL is not looked at", async () => {
    const { access_token } = await register();
    for (const name of ["token", "access_token", "authorization"]) {
      expect((await call(`/v1/account/devices?${name}=${access_token}`)).status).toBe(401);
    }
  });
});

describe("refreshing", () => {
  test("gives new tokens, of which the access token works", async () => {
    const device = await register();
    vi.setSystemTime(Date.now() + 60_000);
    const refreshed = await refresh(device.refresh_token);
    expect(refreshed.body).toMatchObject({ user_id: device.user_id, device_id: 1 });
    expect(refreshed.body.refresh_token).not.toBe(device.refresh_token);
    expect((await ownDevices(refreshed.body.access_token)).status).toBe(200);
  });

  test("again after a lost answer gives the same refresh token, also to two tabs at once", async () => {
    const device = await register();
    const answers = await Promise.all([refresh(device.refresh_token), refresh(device.refresh_token)]);
    const later = await refresh(device.refresh_token);
    const tokens = [...answers, later].map((answer) => answer.body.refresh_token);
    expect(new Set(tokens).size).toBe(1);
    expect((await refresh(tokens[0])).status).toBe(200);
  });

  test("with one older than the last two logs the device out", async () => {
    const device = await register();
    const second = await refresh(device.refresh_token);
    const third = await refresh(second.body.refresh_token);
    expect(await refresh(device.refresh_token)).toMatchObject({
      status: 403,
      body: { error: { code: "revoked" } },
    });
    expect((await refresh(third.body.refresh_token)).body.error.code).toBe("revoked");
    expect(await accountStub(env, device.user_id).activeDevices()).toEqual([]);
  });

  test("with a forged token is refused and logs nobody out", async () => {
    const device = await register();
    const ref = { user_id: device.user_id, device_id: 1 };
    const family = device.refresh_token.split(".")[2] ?? "";
    const foreign = await signRefreshToken("ab".repeat(32), ref, { family, generation: 0 });
    const bumped = device.refresh_token.replace(".0.", ".7.");
    for (const token of ["", "a.1.b.0.c", foreign, bumped, `${device.refresh_token}x`]) {
      expect((await refresh(token)).body.error.code, token).toBe("unauthorized");
    }
    expect((await refresh(device.refresh_token)).status).toBe(200);
  });

  test("with the token of an earlier login of the installation is refused and logs nobody out", async () => {
    const device = await register();
    const account = accountStub(env, device.user_id);
    const earlier = await signRefreshToken(
      secret,
      { user_id: device.user_id, device_id: 1 },
      {
        family: "AAAAAAAAAAAAAAAAAAAAAA",
        generation: 0,
      },
    );
    expect((await refresh(earlier)).body.error.code).toBe("unauthorized");
    expect(await account.activeDevices()).toEqual([1]);
  });

  test("after half a year away logs the device out", async () => {
    const device = await register();
    vi.setSystemTime(Date.now() + limits.refreshTokenLifetimeMs + 1);
    expect((await refresh(device.refresh_token)).body.error.code).toBe("revoked");
  });
});

describe("logging out", () => {
  test("ends the login, and may be repeated", async () => {
    const device = await register();
    const first = await call("/v1/auth/logout", { method: "POST", token: device.access_token });
    expect(first).toMatchObject({ status: 200, body: {} });
    expect((await call("/v1/auth/logout", { method: "POST", token: device.access_token })).status).toBe(200);
    expect((await refresh(device.refresh_token)).body.error.code).toBe("revoked");
    expect((await ownDevices(device.access_token)).body.error.code).toBe("revoked");
  });

  test("another of one's devices works; one that never was is not found; another user's is out of reach", async () => {
    const device = await register();
    const stranger = await register();
    const account = accountStub(env, device.user_id);
    await account.addDevice({ installation_id: crypto.randomUUID(), name: "Second" });
    const remove = async (id: string, token: string) =>
      await call(`/v1/account/devices/${id}`, { method: "DELETE", token });
    expect((await remove("2", stranger.access_token)).body.error.code).toBe("not_found");
    expect(await account.activeDevices()).toEqual([1, 2]);
    expect((await remove("2", device.access_token)).status).toBe(200);
    expect(await account.activeDevices()).toEqual([1]);
    for (const id of ["3", "0", "-1", "x", "99999999999"]) {
      expect((await remove(id, device.access_token)).body.error.code, id).toBe("not_found");
    }
  });

  test("a device that was logged out cannot log out others with the token it still has", async () => {
    const device = await register();
    const account = accountStub(env, device.user_id);
    await account.addDevice({ installation_id: crypto.randomUUID(), name: "Second" });
    await account.revokeDevice(1, 1);
    const refused = await call("/v1/account/devices/2", { method: "DELETE", token: device.access_token });
    expect(refused.body.error.code).toBe("revoked");
    expect(await account.activeDevices()).toEqual([2]);
  });
});
