/**
 * [E10] The one place where a suite is chosen: the post-quantum hybrid where there are few leaves (direct chats, linking,
 * archives), the classical one in groups, where its keys would be nine times the size. The generation stores its suite.
 */
import { type CiphersuiteImpl, type CiphersuiteName, getCiphersuiteFromName } from "ts-mls";
import { type Suite, suiteIds } from "../../mls-guard/leaf.ts";
import { fastProvider } from "./provider.ts";

export type GroupKind = "direct" | "group";

export function suiteFor(purpose: GroupKind | "linking" | "archive"): Suite {
  return purpose === "group" ? "x25519" : "x_wing";
}

export const suiteNames: Record<Suite, CiphersuiteName> = {
  x25519: "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
  x_wing: "MLS_256_XWING_CHACHA20POLY1305_SHA512_Ed25519",
};

const implementations = new Map<Suite, Promise<CiphersuiteImpl>>();

export function implementationOf(suite: Suite): Promise<CiphersuiteImpl> {
  const known = implementations.get(suite);
  if (known !== undefined) return known;
  const made = fastProvider.getCiphersuiteImpl(getCiphersuiteFromName(suiteNames[suite]));
  implementations.set(suite, made);
  return made;
}

export function suiteNamed(name: CiphersuiteName): Suite | null {
  const suites = Object.keys(suiteIds) as Suite[];
  return suites.find((suite) => suiteNames[suite] === name) ?? null;
}
