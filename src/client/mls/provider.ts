/**
 * The library's cryptography with synchronous hashes: SHA-2, HMAC and HKDF run thousands of times per commit, and a trip
 * to WebCrypto for each costs three to five times the whole. Signatures stay WebCrypto's, HPKE stays @hpke/core's.
 */
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { type CiphersuiteImpl, type CryptoProvider, defaultCryptoProvider } from "ts-mls";
import { isEqual } from "../../mls-guard/bytes.ts";
import { randomBytes } from "./random.ts";

const hashes = { "SHA-256": sha256, "SHA-384": sha384, "SHA-512": sha512 };
const kdfHashes = { "HKDF-SHA256": sha256, "HKDF-SHA384": sha384, "HKDF-SHA512": sha512 };

export const fastProvider: CryptoProvider = {
  async getCiphersuiteImpl(suite): Promise<CiphersuiteImpl> {
    const stock = await defaultCryptoProvider.getCiphersuiteImpl(suite);
    const hash = hashes[suite.hash];
    const kdfHash = kdfHashes[suite.hpke.kdf];
    return {
      ...stock,
      rng: { randomBytes },
      hash: {
        digest: async (data) => hash(data),
        mac: async (key, data) => hmac(hash, key, data),
        verifyMac: async (key, mac, data) => isEqual(hmac(hash, key, data), mac),
      },
      kdf: {
        extract: async (salt, secret) => extract(kdfHash, secret, salt),
        expand: async (key, info, bytes) => expand(kdfHash, key, info, bytes),
        size: kdfHash.outputLen,
      },
    };
  },
};
