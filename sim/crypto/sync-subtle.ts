/**
 * As much of WebCrypto as MLS asks for (Ed25519, X25519, HMAC, HKDF, SHA-2), computed at once: a run on virtual time
 * drains microtasks and waits for nothing else, so the real engine's promises must need no more than that. The curves are
 * Node's, whose synchronous calls take milliseconds off each commit; chance is the run's, so that a seed stays a seed.
 */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { base64urlnopad, hex } from "@scure/base";

type Curve = "Ed25519" | "X25519";
type Bytes = Uint8Array | ArrayBuffer;
export interface SyncKey {
  algorithm: string;
  /** Of HMAC and HKDF. */
  secret?: Uint8Array;
  hash?: string | undefined;
  privateKey?: KeyObject;
  publicKey?: KeyObject;
}

// RFC 8410: what stands before the 32 bytes of a key.
const headers = {
  Ed25519: { pkcs8: "302e020100300506032b657004220420", spki: "302a300506032b6570032100" },
  X25519: { pkcs8: "302e020100300506032b656e04220420", spki: "302a300506032b656e032100" },
};

export const syncSubtle = {
  async digest(name: string, data: Bytes) {
    return bufferOf(createHash(hashNamed(name)).update(viewOf(data)).digest());
  },
  async generateKey(algorithm: string | { name: string }) {
    const curve = curveNamed(nameOf(algorithm));
    return pairOf(curve, crypto.getRandomValues(new Uint8Array(32)));
  },
  async importKey(format: string, data: Bytes | JsonWebKey, algorithm: string | HmacImportParams) {
    const name = nameOf(algorithm);
    if (name === "HMAC" || name === "HKDF") {
      const hash = typeof algorithm === "object" ? hashNamed(nameOf(algorithm.hash as string)) : undefined;
      return { algorithm: name, secret: viewOf(data as Bytes).slice(), hash } satisfies SyncKey;
    }
    const curve = curveNamed(name);
    if (format === "raw") return publicOf(curve, viewOf(data as Bytes));
    if (format === "pkcs8") return pairOf(curve, viewOf(data as Bytes).slice(-32)).privateKey;
    if (format !== "jwk") throw new DOMException(`not imported here: ${format}`, "NotSupportedError");
    const { d, x } = data as JsonWebKey;
    if (d !== undefined) return pairOf(curve, base64urlnopad.decode(d)).privateKey;
    return publicOf(curve, base64urlnopad.decode(x ?? ""));
  },
  async exportKey(format: string, key: SyncKey) {
    if (format === "jwk") return (key.privateKey ?? key.publicKey)?.export({ format: "jwk" });
    if (format === "pkcs8") return bufferOf(key.privateKey?.export({ format: "der", type: "pkcs8" }));
    if (key.secret !== undefined) return bufferOf(key.secret);
    return bufferOf(key.publicKey?.export({ format: "der", type: "spki" }).subarray(-32));
  },
  async deriveBits(
    algorithm: { name: string; public?: SyncKey } & Partial<HkdfParams>,
    key: SyncKey,
    bits: number,
  ) {
    if (algorithm.name === "HKDF") {
      const { hash, salt, info } = algorithm as HkdfParams;
      return hkdfSync(hashNamed(nameOf(hash as string)), secretOf(key), viewOf(salt), viewOf(info), bits / 8);
    }
    const publicKey = algorithm.public?.publicKey;
    if (publicKey === undefined || key.privateKey === undefined)
      throw new DOMException("two keys of X25519", "InvalidAccessError");
    return bufferOf(diffieHellman({ privateKey: key.privateKey, publicKey }));
  },
  async sign(_algorithm: unknown, key: SyncKey, data: Bytes) {
    if (key.privateKey !== undefined) return bufferOf(sign(null, viewOf(data), key.privateKey));
    return bufferOf(macOf(key, data));
  },
  async verify(_algorithm: unknown, key: SyncKey, signature: Bytes, data: Bytes) {
    if (key.publicKey !== undefined) return verify(null, viewOf(data), key.publicKey, viewOf(signature));
    const mac = macOf(key, data);
    return mac.length === signature.byteLength && timingSafeEqual(mac, viewOf(signature));
  },
};

function pairOf(curve: Curve, seed: Uint8Array): { privateKey: SyncKey; publicKey: SyncKey } {
  const der = Buffer.concat([hex.decode(headers[curve].pkcs8), seed]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey);
  return { privateKey: { algorithm: curve, privateKey }, publicKey: { algorithm: curve, publicKey } };
}

function publicOf(curve: Curve, bytes: Uint8Array): SyncKey {
  const der = Buffer.concat([hex.decode(headers[curve].spki), bytes]);
  return { algorithm: curve, publicKey: createPublicKey({ key: der, format: "der", type: "spki" }) };
}

function macOf(key: SyncKey, data: Bytes): Buffer {
  return createHmac(key.hash ?? "sha256", secretOf(key))
    .update(viewOf(data))
    .digest();
}

function secretOf({ secret, algorithm }: SyncKey): Uint8Array {
  if (secret === undefined) throw new DOMException(`no secret of ${algorithm}`, "InvalidAccessError");
  return secret;
}

function nameOf(algorithm: string | { name: string }): string {
  return typeof algorithm === "string" ? algorithm : algorithm.name;
}

function curveNamed(name: string): Curve {
  if (name === "Ed25519" || name === "X25519") return name;
  throw new DOMException(`not computed here: ${name}`, "NotSupportedError");
}

/** SHA-256 → sha256. */
function hashNamed(name: string): string {
  return name.toLowerCase().replace("-", "");
}

function viewOf(data: Bytes | ArrayBufferView): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function bufferOf(bytes: Uint8Array | undefined): ArrayBuffer {
  if (bytes === undefined) throw new DOMException("not this key's form", "InvalidAccessError");
  return new Uint8Array(bytes).buffer;
}
