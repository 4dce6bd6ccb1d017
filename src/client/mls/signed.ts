/** Sig_x(label, …): Ed25519 over "kittiwake/1/", the label and the fields, each after its length. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { concat, uint32 } from "../../mls-guard/bytes.ts";
import { randomBytes } from "./random.ts";
import { implementationOf } from "./suites.ts";

export interface SignatureKeyPair {
  publicKey: Uint8Array;
  /** The 32 bytes everything follows from. */
  privateKey: Uint8Array;
}

export function makeSignatureKeyPair(): SignatureKeyPair {
  const privateKey = randomBytes(32);
  return { privateKey, publicKey: ed25519.getPublicKey(privateKey) };
}

export async function sign(
  privateKey: Uint8Array,
  label: string,
  ...fields: readonly Uint8Array[]
): Promise<Uint8Array> {
  const { signature } = await implementationOf("x25519");
  return await signature.sign(privateKey, signedBytes(label, fields));
}

export async function verify(
  publicKey: Uint8Array,
  signed: Uint8Array,
  label: string,
  ...fields: readonly Uint8Array[]
): Promise<boolean> {
  const { signature } = await implementationOf("x25519");
  try {
    return await signature.verify(publicKey, signedBytes(label, fields), signed);
  } catch {
    // WebCrypto throws on bytes that are no key.
    return false;
  }
}

function signedBytes(label: string, fields: readonly Uint8Array[]): Uint8Array {
  const prefix = new TextEncoder().encode("kittiwake/1/");
  return concat(
    prefix,
    ...[new TextEncoder().encode(label), ...fields].flatMap((field) => [uint32(field.length), field]),
  );
}
