/** Which engine a run encrypts with: the cheap one by the thousand, the real one to see that nothing hides between them. */
import { makeEngine } from "../../src/client/crypto/engine.ts";
import type { CryptoPort } from "../../src/client/crypto/port.ts";
import { implementationOf } from "../../src/client/mls/suites.ts";
import { withRunCrypto } from "../runtime/run-crypto.ts";
import { makeCheapEngine } from "./cheap-engine.ts";

export const engineNames = ["cheap", "real"] as const;
export type EngineName = (typeof engineNames)[number];

export const engines: Record<EngineName, () => CryptoPort> = { cheap: makeCheapEngine, real: makeEngine };

/** The library loads parts of itself when first asked, and holds on to the WebCrypto it finds: before any run, then. */
export async function loadRealEngine(): Promise<void> {
  await withRunCrypto(async () => {
    for (const suite of ["x25519", "x_wing"] as const)
      await (await implementationOf(suite)).hpke.generateKeyPair();
  });
}
