/** [E6] [E11] The one place where an Account looks into MLS bytes: whether a key package is what its uploader says. */
import type { Suite } from "../../src/mls-guard/leaf.ts";
import { readKeyPackageMessage } from "../../src/mls-guard/messages.ts";
import { type GuardCode, guardCodes, Refusal } from "../../src/mls-guard/refusal.ts";
import { type DeviceRef, deviceKey } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";

export type InspectedKeyPackage =
  | { notAfterMs: number }
  | { refused: GuardCode | "other_device" | "last_resort" | "lifetime" };

function inspectKeyPackageBytes(
  bytes: Uint8Array,
  expected: { device: DeviceRef; suite: Suite; isLastResort: boolean; nowMs: number },
): InspectedKeyPackage {
  try {
    const { suite, leaf, isLastResort, notBefore, notAfter } = readKeyPackageMessage(bytes);
    if (suite !== expected.suite) return { refused: "wrong_suite" };
    if (deviceKey(leaf.credential.device) !== deviceKey(expected.device)) return { refused: "other_device" };
    if (isLastResort !== expected.isLastResort) return { refused: "last_resort" };
    const [from, to] = [notBefore * 1000, notAfter * 1000];
    const isCurrent = from <= expected.nowMs + limits.clockSkewMsMax && to > expected.nowMs;
    if (!isCurrent || to - from > limits.keyPackageLifetimeMsMax) return { refused: "lifetime" };
    return { notAfterMs: to };
  } catch (error) {
    if (error instanceof Refusal)
      return { refused: guardCodes.find((code) => code === error.code) ?? "malformed" };
    throw error;
  }
}

/** An object, for the simulator to put its own in place: it has no MLS bytes. */
export const keyPackageGuard = { inspectKeyPackageBytes };
