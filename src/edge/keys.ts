/**
 * Every key of the edge, derived from SERVER_SECRET by HKDF-SHA-256 (RFC 5869) under its own label: knowing one of
 * them says nothing about another, and changing the secret changes them all.
 */
import { base64urlnopad, hex } from "@scure/base";

/** access, refresh: tokens · phone: names of Directories · code: hashes of one-time codes. */
export type KeyLabel = "access" | "refresh" | "phone" | "code";

const derived = new Map<string, Promise<CryptoKey>>();

export function serverKey(secretHex: string, label: KeyLabel): Promise<CryptoKey> {
  const name = `${label}:${secretHex}`;
  const known = derived.get(name);
  if (known !== undefined) return known;
  const key = deriveKey(secretHex, label);
  derived.set(name, key);
  return key;
}

async function deriveKey(secretHex: string, label: KeyLabel): Promise<CryptoKey> {
  const secret = await crypto.subtle.importKey("raw", hex.decode(secretHex), "HKDF", false, ["deriveKey"]);
  return await crypto.subtle.deriveKey(
    {
      name: "HKDF",
      hash: "SHA-256",
      salt: new Uint8Array(32),
      info: new TextEncoder().encode(`kittiwake ${label}`),
    },
    secret,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );
}

/** HMAC-SHA-256 over a text, in base64url: 43 characters. */
export async function keyedHash(key: CryptoKey, text: string): Promise<string> {
  const mac = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
  return base64urlnopad.encode(new Uint8Array(mac));
}
