/**
 * [E6] Key packages: one-time ones, handed out once, and a last-resort one that may serve several groups and is replaced
 * after use. Claimers check user, pinned A, device, lifetime, suite before they add anybody.
 */

import { hex } from "@scure/base";
import {
  type Capabilities,
  decodeMlsMessage,
  encodeMlsMessage,
  generateKeyPackageWithKey,
  type KeyPackage,
  type PrivateKeyPackage,
} from "ts-mls";
import { makeKeyPackageRef, verifyKeyPackage } from "ts-mls/keyPackage.js";
import { verifyLeafNodeSignatureKeyPackage } from "ts-mls/leafNode.js";
import { lastResortExtension, type Suite } from "../../mls-guard/leaf.ts";
import { readKeyPackageMessage } from "../../mls-guard/messages.ts";
import { attempt, fail, type Result } from "./failures.ts";
import { type Device, holdsCertificate, identityOf, type Judge, type LeafIdentity } from "./identity.ts";
import { implementationOf, suiteNames } from "./suites.ts";

const lifetimeSecondsMax = 92 * 24 * 60 * 60;
const lifetimeSeconds = 90 * 24 * 60 * 60;
/** Clocks differ. */
const backdatedSeconds = 60 * 60;

const capabilities: Capabilities = {
  versions: ["mls10"],
  ciphersuites: [suiteNames.x25519, suiteNames.x_wing],
  extensions: [lastResortExtension],
  proposals: [],
  credentials: ["basic"],
};

/** With its private half: stored before the public one is uploaded, dropped once a Welcome used it. */
export interface OwnKeyPackage {
  /** Hexadecimal. */
  ref: string;
  suite: Suite;
  isLastResort: boolean;
  bytes: Uint8Array;
  initPrivateKey: Uint8Array;
  encryptionPrivateKey: Uint8Array;
}

export async function makeKeyPackage(
  device: Device,
  options: { suite: Suite; isLastResort: boolean; nowMs: number },
): Promise<OwnKeyPackage> {
  const { suite, isLastResort, nowMs } = options;
  const implementation = await implementationOf(suite);
  const now = BigInt(Math.floor(nowMs / 1000));
  const made = await generateKeyPackageWithKey(
    { credentialType: "basic", identity: device.credential },
    capabilities,
    { notBefore: now - BigInt(backdatedSeconds), notAfter: now + BigInt(lifetimeSeconds) },
    isLastResort ? [{ extensionType: lastResortExtension, extensionData: new Uint8Array() }] : [],
    { signKey: device.leafKey.privateKey, publicKey: device.leafKey.publicKey },
    implementation,
  );
  return {
    ref: hex.encode(await makeKeyPackageRef(made.publicPackage, implementation.hash)),
    suite,
    isLastResort,
    bytes: encodeMlsMessage({
      version: "mls10",
      wireformat: "mls_key_package",
      keyPackage: made.publicPackage,
    }),
    initPrivateKey: made.privatePackage.initPrivateKey,
    encryptionPrivateKey: made.privatePackage.hpkePrivateKey,
  };
}

export interface ClaimedKeyPackage {
  identity: LeafIdentity;
  isLastResort: boolean;
  keyPackage: KeyPackage;
}

/** What the server handed out for `userId`, judged: a swapped package has another user or an A that is not pinned. */
export function checkClaimed(
  bytes: Uint8Array,
  expected: { userId: string; suite: Suite; nowMs: number; judge: Judge },
): Promise<Result<ClaimedKeyPackage>> {
  return attempt("key_package_invalid", async () => {
    const view = readKeyPackageMessage(bytes);
    if (view.suite !== expected.suite) fail("wrong_suite");
    const now = expected.nowMs / 1000;
    const isCurrent = view.notBefore <= now && now <= view.notAfter;
    if (!isCurrent || view.notAfter - view.notBefore > lifetimeSecondsMax) fail("key_package_expired");
    const identity = identityOf(view.leaf);
    if (identity.device.user_id !== expected.userId) fail("untrusted_leaf");
    if (!expected.judge.acceptsLeaf(identity)) fail("untrusted_leaf");
    if (!(await holdsCertificate(view.leaf.credentialBytes, view.leaf.signatureKey))) fail("untrusted_leaf");
    const keyPackage = decodeKeyPackage(bytes);
    const { signature } = await implementationOf(view.suite);
    const isSigned =
      (await verifyLeafNodeSignatureKeyPackage(keyPackage.leafNode, signature)) &&
      (await verifyKeyPackage(keyPackage, signature));
    if (!isSigned) fail("key_package_invalid");
    return { identity, isLastResort: view.isLastResort, keyPackage };
  });
}

export function decodeKeyPackage(bytes: Uint8Array): KeyPackage {
  const message = decodeMlsMessage(bytes, 0)?.[0];
  return message?.wireformat === "mls_key_package" ? message.keyPackage : fail("malformed");
}

export function privateKeysOf(own: OwnKeyPackage, device: Device): PrivateKeyPackage {
  return {
    initPrivateKey: own.initPrivateKey,
    hpkePrivateKey: own.encryptionPrivateKey,
    signaturePrivateKey: device.leafKey.privateKey,
  };
}
