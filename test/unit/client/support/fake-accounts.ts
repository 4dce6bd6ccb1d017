/** The accounts of the fake server: key packages and profiles, each handed out as the real one does. */
import type { ErrorCode } from "../../../../src/protocol/errors.ts";
import { type DeviceRef, deviceKey } from "../../../../src/protocol/ids.ts";

interface Package {
  suite: "x25519" | "x_wing";
  last_resort: boolean;
  package: string;
}
type Answer = { ok: unknown } | { code: ErrorCode } | null;

export class FakeAccounts {
  /** deviceKey → what is left. */
  readonly packages = new Map<string, Package[]>();
  readonly profiles = new Map<string, string>();

  answer(
    method: string,
    path: string,
    body: unknown,
    device: DeviceRef,
    users: readonly { userId: string; devices: number[] }[],
  ): Answer {
    if (path === "/account/key-packages") {
      if (method === "PUT") this.#put(device, (body as { packages: Package[] }).packages);
      return { ok: this.#counts(device) };
    }
    if (path === "/key-packages/claim") {
      const { suite, user_ids } = body as { suite: Package["suite"]; user_ids: string[] };
      const found = users.filter((user) => user_ids.includes(user.userId));
      return { ok: { users: found.map((user) => this.#claim(user, suite)) } };
    }
    if (path === "/account/profile") {
      this.profiles.set(device.user_id, (body as { sealed: string }).sealed);
      return { ok: {} };
    }
    const profileOf = /^\/users\/([^/]+)\/profile$/.exec(path)?.[1];
    if (profileOf === undefined) return null;
    const sealed = this.profiles.get(profileOf);
    return sealed === undefined ? { code: "not_found" } : { ok: { sealed } };
  }

  #put(device: DeviceRef, packages: Package[]): void {
    const known = this.packages.get(deviceKey(device)) ?? [];
    const replaced = packages.filter((it) => it.last_resort).map((it) => it.suite);
    const kept = known.filter((it) => !it.last_resort || !replaced.includes(it.suite));
    this.packages.set(deviceKey(device), [...kept, ...packages]);
  }

  #counts(device: DeviceRef) {
    const known = this.packages.get(deviceKey(device)) ?? [];
    const count = (suite: Package["suite"]) => ({
      one_time: known.filter((it) => it.suite === suite && !it.last_resort).length,
      last_resort: known.some((it) => it.suite === suite && it.last_resort),
    });
    return { x25519: count("x25519"), x_wing: count("x_wing") };
  }

  #claim({ userId, devices }: { userId: string; devices: number[] }, suite: Package["suite"]) {
    return {
      user_id: userId,
      devices: devices.map((device_id) => ({
        device_id,
        package: this.#take(deviceKey({ user_id: userId, device_id }), suite),
      })),
    };
  }

  #take(key: string, suite: Package["suite"]): string | null {
    const known = (this.packages.get(key) ?? []).filter((it) => it.suite === suite);
    const oneTime = known.find((it) => !it.last_resort);
    if (oneTime !== undefined)
      this.packages.set(
        key,
        (this.packages.get(key) ?? []).filter((it) => it !== oneTime),
      );
    return (oneTime ?? known[0])?.package ?? null;
  }
}
