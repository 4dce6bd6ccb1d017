/** [E6] [E8] This device's keys and key packages, against the fake server, with crashes between the steps. */
import { beforeEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import { ConnectionError } from "../../../src/client/connection-error.ts";
import { makeEngine } from "../../../src/client/crypto/engine.ts";
import type { HttpRequest } from "../../../src/client/http-api.ts";
import { KeyRing } from "../../../src/client/keys/key-ring.ts";
import type { SessionRecord } from "../../../src/client/store/records.ts";
import { openSqliteStore } from "../../../src/client/store/sqlite.ts";
import type { Store } from "../../../src/client/store/store.ts";
import { limits } from "../../../src/protocol/limits.ts";
import type { keyPackagesRequestSchema } from "../../../src/protocol/mls.ts";
import { FakeKeys } from "./support/fake-keys.ts";
import { FakeServer } from "./support/fake-server.ts";
import { VirtualEnvironment } from "./support/virtual-environment.ts";

type Uploaded = z.infer<typeof keyPackagesRequestSchema>;

const device = { user_id: "A".repeat(22), device_id: 1 };
const environment = new VirtualEnvironment(new FakeServer());
let store: Store;
let server: FakeKeys;
let uploads: Uploaded[];
/** What becomes of the next upload: its answer is lost, or the request never arrives. */
let fault: "answer lost" | "never arrives" | null;
beforeEach(async () => {
  store = await openSqliteStore(":memory:");
  server = new FakeKeys();
  uploads = [];
  fault = null;
  return () => store.close();
});

describe("the first fill", () => {
  it("[E6] gives the server one-time packages and a last resort of each suite", async () => {
    await ring().fill();
    const full = { one_time: limits.keyPackagesPerUploadOfOneTime, last_resort: true };
    expect(server.counts(device)).toEqual({ x25519: full, x_wing: full });
    expect(await store.all("keyPackages")).toHaveLength(offered().length);
  });

  it("[E6] has nothing to do when the server has enough", async () => {
    await ring().fill();
    const before = uploads.length;
    await ring().fill();
    expect(uploads).toHaveLength(before);
  });

  it("[E8] every package that is offered has its private half in the store", async () => {
    await ring().fill();
    const held = new Set(
      (await store.all("keyPackages")).map((own) => Buffer.from(own.bytes).toString("base64")),
    );
    expect(offered().every((one) => held.has(one))).toBe(true);
  });

  it("one device has one leaf key, however many ask for it at once", async () => {
    const keys = ring();
    const [one, other] = await Promise.all([keys.deviceKeys(), keys.deviceKeys()]);
    expect(one.leafPublicKey).toEqual(other.leafPublicKey);
    const kept = await store.get("keys", ["device"]);
    expect(kept?.leafPublicKey).toEqual(one.leafPublicKey);
  });

  it("a new device of the store keeps nothing of the old one's", async () => {
    await ring().fill();
    const old = await ring().deviceKeys();
    const next = ring(2);
    const keys = await next.deviceKeys();
    expect(keys.leafPublicKey).not.toEqual(old.leafPublicKey);
    expect(await store.all("keyPackages")).toEqual([]);
  });
});

describe("a crash or a lost answer", () => {
  it("[E8] packages that were made and never offered are offered the next time", async () => {
    const keys = await ring().deviceKeys();
    const made = await makeEngine().makeKeyPackages(keys, {
      suite: "x_wing",
      oneTime: 2,
      lastResort: true,
      nowMs: 1,
    });
    await store.apply(
      made.map((own) => ({
        table: "keyPackages",
        put: { ...own, isUploaded: false, madeAtMs: environment.nowMs },
      })),
    );
    await ring().fill();
    const known = new Set(offered());
    expect(made.every((own) => known.has(Buffer.from(own.bytes).toString("base64")))).toBe(true);
    expect(server.counts(device).x_wing).toEqual({
      one_time: limits.keyPackagesPerUploadOfOneTime,
      last_resort: true,
    });
  });

  it.each(["answer lost", "never arrives"] as const)(
    "[E6] no package is offered twice when the %s",
    async (what) => {
      fault = what;
      await expect(ring().fill()).rejects.toThrow(ConnectionError);
      await ring().fill();
      const all = offered();
      expect(new Set(all).size).toBe(all.length);
      for (const suite of ["x25519", "x_wing"] as const) {
        expect(server.counts(device)[suite].last_resort).toBe(true);
        expect(server.counts(device)[suite].one_time).toBeGreaterThanOrEqual(limits.keyPackagesLow);
      }
    },
  );

  it("[E6] a last resort that was used is replaced, and still opens what is under way", async () => {
    const keys = ring();
    await keys.fill();
    const lastOf = async () =>
      (await store.all("keyPackages")).filter((own) => own.isLastResort && own.suite === "x_wing");
    const [before] = await lastOf();
    await keys.rotate("x_wing");
    const after = await lastOf();
    expect(after).toHaveLength(2);
    expect(after).toContainEqual(before);
    const [given] = server.claim([device], "x_wing", true);
    expect(given?.package).not.toBe(Buffer.from(before?.bytes ?? []).toString("base64"));
  });

  it("[E6] one whose replacement never arrived is replaced by the next fill", async () => {
    const keys = ring();
    await keys.fill();
    const [used] = (await store.all("keyPackages")).filter(
      (own) => own.isLastResort && own.suite === "x_wing",
    );
    if (used === undefined) throw new Error("there is no last resort");
    await store.apply([{ table: "keyPackages", put: { ...used, isUsed: true } }]);
    fault = "never arrives";
    await expect(keys.rotate("x_wing")).rejects.toThrow(ConnectionError);
    await ring().fill();
    const [given] = server.claim([device], "x_wing", true);
    expect(given?.package).not.toBe(Buffer.from(used.bytes).toString("base64"));
    const count = uploads.length;
    await ring().fill();
    expect(uploads).toHaveLength(count);
  });
});

function offered(): string[] {
  return uploads.flatMap(({ packages }) => packages.map((one) => one.package));
}

function ring(deviceId = 1): KeyRing {
  return new KeyRing({
    store,
    environment,
    crypto: makeEngine(),
    session: () => ({ userId: device.user_id, deviceId }) as SessionRecord,
    call: async <T>(request: HttpRequest<T>) => {
      if (request.method === "PUT") exchange(request.body as Uploaded);
      return request.answer.parse(server.counts({ ...device, device_id: deviceId }));
    },
  });
}

function exchange(body: Uploaded): void {
  const became = fault;
  fault = null;
  uploads.push(body);
  if (became !== "never arrives") server.upload(device, body.packages);
  if (became !== null) throw new ConnectionError();
}
