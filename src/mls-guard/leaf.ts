/**
 * Leaves and key packages as RFC 9420 (7.2, 10) writes them, held to the one constant of [E11]: the same capabilities
 * for everybody, no leaf extensions, a basic credential in our form, and last_resort as the only extension of a key
 * package. So no member can make the group need what another does not have.
 */
import { hex } from "@scure/base";
import { mlsBounds } from "./bounds.ts";
import { isEqual } from "./bytes.ts";
import { type Credential, readCredential } from "./credential.ts";
import type { Reader } from "./reader.ts";
import { refuse } from "./refusal.ts";

export const suiteIds = { x25519: 3, x_wing: 84 } as const;
export type Suite = keyof typeof suiteIds;
export const lastResortExtension = 10;

/** mls10 · both suites · last_resort · no proposals of our own · basic credentials. */
export const leafCapabilities = {
  versions: [1],
  suites: [suiteIds.x25519, suiteIds.x_wing],
  extensions: [lastResortExtension],
  proposals: [],
  credentials: [1],
} as const;
const capabilityBytes = hex.decode(
  Object.values(leafCapabilities)
    .flatMap((numbers) => [numbers.length * 2, ...numbers.flatMap((number) => [number >> 8, number & 0xff])])
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join(""),
);

export type LeafSource = "key_package" | "update" | "commit";
const leafSources: Record<number, LeafSource> = { 1: "key_package", 2: "update", 3: "commit" };

export interface LeafView {
  encryptionKey: Uint8Array;
  /** Ed25519. */
  signatureKey: Uint8Array;
  credential: Credential;
  /** As it stands in the leaf. */
  credentialBytes: Uint8Array;
  source: LeafSource;
}

export interface KeyPackageView {
  suite: Suite;
  initKey: Uint8Array;
  leaf: LeafView;
  /** Seconds since 1970. */
  notBefore: number;
  notAfter: number;
  isLastResort: boolean;
}

export function readSuite(reader: Reader): Suite {
  const id = reader.uint16();
  if (id === suiteIds.x25519) return "x25519";
  return id === suiteIds.x_wing ? "x_wing" : refuse("wrong_suite");
}

export function readVersion(reader: Reader): void {
  if (reader.uint16() !== 1) refuse("malformed");
}

export function readLeaf(reader: Reader): LeafView {
  return readLeafWithLifetime(reader).leaf;
}

function readLeafWithLifetime(reader: Reader): { leaf: LeafView; notBefore: number; notAfter: number } {
  const encryptionKey = reader.vector(mlsBounds.keyBytesMax);
  const signatureKey = reader.vector(32);
  if (encryptionKey.length === 0 || signatureKey.length !== 32) refuse("leaf_policy");
  if (reader.uint16() !== 1) refuse("leaf_policy");
  const credentialBytes = reader.vector(256);
  const credential = readCredential(credentialBytes);
  if (!isEqual(reader.bytes(capabilityBytes.length), capabilityBytes)) refuse("leaf_policy");
  const source = leafSources[reader.uint8()] ?? refuse("malformed");
  const notBefore = source === "key_package" ? readTime(reader) : 0;
  const notAfter = source === "key_package" ? readTime(reader) : 0;
  if (source === "commit") reader.vector(64);
  if (reader.vector(mlsBounds.keyPackageBytesMax).length > 0) refuse("leaf_policy");
  reader.vector(mlsBounds.signatureBytesMax);
  return { leaf: { encryptionKey, signatureKey, credential, credentialBytes, source }, notBefore, notAfter };
}

function readTime(reader: Reader): number {
  return reader.uint64();
}

export function readKeyPackage(reader: Reader): KeyPackageView {
  readVersion(reader);
  const suite = readSuite(reader);
  const initKey = reader.vector(mlsBounds.keyBytesMax);
  const { leaf, notBefore, notAfter } = readLeafWithLifetime(reader);
  if (leaf.source !== "key_package") refuse("malformed");
  const extensions = reader.items(16, 1, readExtension);
  const isLastResort = extensions.length === 1;
  for (const { type, data } of extensions) {
    if (type !== lastResortExtension || data.length > 0) refuse("leaf_policy");
  }
  reader.vector(mlsBounds.signatureBytesMax);
  return { suite, initKey, leaf, notBefore, notAfter, isLastResort };
}

export function readExtension(reader: Reader): { type: number; data: Uint8Array } {
  return { type: reader.uint16(), data: reader.vector(mlsBounds.groupInfoBytesMax) };
}
