/** What the fake server keeps of accounts for encryption: key packages by device and suite, sealed profiles, blobs. */
import { base64 } from "@scure/base";
import type { z } from "zod";
import { type DeviceRef, deviceKey } from "../../../../src/protocol/ids.ts";
import type {
  claimAnswerSchema,
  keyPackageCountSchema,
  keyPackagesRequestSchema,
} from "../../../../src/protocol/mls.ts";

type Suite = "x25519" | "x_wing";
type Upload = z.infer<typeof keyPackagesRequestSchema>["packages"][number];

export class FakeKeys {
  readonly #oneTime = new Map<string, string[]>();
  readonly #lastResort = new Map<string, string>();
  /** userId → sealed, base64. */
  readonly profiles = new Map<string, string>();
  /** hash → bytes. */
  readonly blobs = new Map<string, Uint8Array<ArrayBuffer>>();

  upload(device: DeviceRef, packages: readonly Upload[]): void {
    for (const { suite, last_resort, package: offered } of packages) {
      const key = keyOf(device, suite);
      if (last_resort) this.#lastResort.set(key, offered);
      else this.#oneTime.set(key, [...(this.#oneTime.get(key) ?? []), offered]);
    }
  }

  counts(device: DeviceRef): z.infer<typeof keyPackageCountSchema> {
    const of = (suite: Suite) => ({
      one_time: this.#oneTime.get(keyOf(device, suite))?.length ?? 0,
      last_resort: this.#lastResort.has(keyOf(device, suite)),
    });
    return { x25519: of("x25519"), x_wing: of("x_wing") };
  }

  /** [E6] One each, the one-time ones first unless the claimer is a stranger. */
  claim(
    devices: readonly DeviceRef[],
    suite: Suite,
    isStranger: boolean,
  ): z.infer<typeof claimAnswerSchema>["users"][number]["devices"] {
    return devices.map((device) => {
      const key = keyOf(device, suite);
      const oneTime = isStranger ? undefined : this.#oneTime.get(key)?.shift();
      return { device_id: device.device_id, package: oneTime ?? this.#lastResort.get(key) ?? null };
    });
  }

  /** As after many claims: the next one gets the last-resort package. */
  useUpOneTime(device: DeviceRef): void {
    for (const suite of ["x25519", "x_wing"] as const) this.#oneTime.delete(keyOf(device, suite));
  }

  async putBlob(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const name = base64.encode(digest).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    if (name !== hash) return false;
    this.blobs.set(hash, bytes);
    return true;
  }
}

function keyOf(device: DeviceRef, suite: Suite): string {
  return `${deviceKey(device)}|${suite}`;
}
