/** The one place where this folder and the library's hooks take chance from; HPKE's key generation is WebCrypto's own. */
let source = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count));

export function randomBytes(count: number): Uint8Array {
  return source(count);
}

/** For tests. */
export function takeRandomFrom(other: (count: number) => Uint8Array): void {
  source = other;
}
