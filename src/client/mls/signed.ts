/** Sig_x(label, …) of encryption.md: Ed25519 over "kittiwake/1/", the label and the fields, each after its length. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { concat } from "../../mls-guard/bytes.ts";
import { implementationOf } from "./suites.ts";

export interface SignatureKeyPair {
  publicKey: Uint8Array;
  /** The 32 bytes everything follows from. */
  privateKey: Uint8Array;
}

export function makeSignatureKeyPair(): SignatureKeyPair {
  const privateKey = crypto.getRandomValues(new Uint8Array(32));
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

export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}
