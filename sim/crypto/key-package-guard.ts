/** What an Account sees of a key package of the cheap engine, in the place of durable/account/key-package-guard.ts. */
import type { keyPackageGuard } from "../../durable/account/key-package-guard.ts";
import { deviceKey } from "../../src/protocol/ids.ts";
import { fromBytes } from "./cheap-mls.ts";

const lifetimeMs = 90 * 24 * 60 * 60 * 1000;

const inspectKeyPackageBytes: (typeof keyPackageGuard)["inspectKeyPackageBytes"] = (bytes, expected) => {
  const made = fromBytes(bytes, "key_package");
  if (made === null) return { refused: "malformed" };
  if (made.suite !== expected.suite) return { refused: "wrong_suite" };
  if (deviceKey(made.device) !== deviceKey(expected.device)) return { refused: "other_device" };
  if (made.isLastResort !== expected.isLastResort) return { refused: "last_resort" };
  return { notAfterMs: expected.nowMs + lifetimeMs };
};

export const cheapKeyPackageGuard: typeof keyPackageGuard = { inspectKeyPackageBytes };
