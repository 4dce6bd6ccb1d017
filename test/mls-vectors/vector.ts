/** One case of the vectors: JSON with bytes as hexadecimal, read by the name of a field. */
import { strict as assert } from "node:assert";
import { type CiphersuiteImpl, getCiphersuiteFromName } from "ts-mls";
import { type CiphersuiteId, getCiphersuiteFromId } from "ts-mls/crypto/ciphersuite.js";
import { fastProvider } from "../../src/client/mls/provider.ts";

export class Vector {
  readonly #fields: Record<string, unknown>;
  constructor(json: unknown) {
    assert(typeof json === "object" && json !== null, "a case is an object");
    this.#fields = json as Record<string, unknown>;
  }

  has(name: string): boolean {
    return (this.#fields[name] ?? null) !== null;
  }
  bytes(name: string): Uint8Array {
    return fromHex(this.text(name));
  }
  text(name: string): string {
    const value = this.#fields[name];
    assert(typeof value === "string", `${name} is text`);
    return value;
  }
  number(name: string): number {
    const value = this.#fields[name];
    assert(typeof value === "number", `${name} is a number`);
    return value;
  }
  list(name: string): unknown[] {
    const value = this.#fields[name];
    assert(Array.isArray(value), `${name} is a list`);
    return value;
  }
  vector(name: string): Vector {
    return new Vector(this.#fields[name]);
  }
  vectors(name: string): Vector[] {
    return this.list(name).map((item) => new Vector(item));
  }
  suite(): Promise<CiphersuiteImpl> {
    const suite = getCiphersuiteFromId(this.number("cipher_suite") as CiphersuiteId);
    return fastProvider.getCiphersuiteImpl(getCiphersuiteFromName(suite.name));
  }
}

export type Check = (vector: Vector) => Promise<void> | void;

export function fromHex(text: unknown): Uint8Array {
  assert(typeof text === "string", "bytes are hexadecimal text");
  return new Uint8Array(Buffer.from(text, "hex"));
}

export function same(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert.equal(Buffer.from(actual).toString("hex"), Buffer.from(expected).toString("hex"), what);
}

/** What the library decodes must be there, whole. */
export function whole<T>(decoded: [T, number] | undefined, bytes: Uint8Array): T {
  assert(decoded !== undefined, "decodes");
  assert.equal(decoded[1], bytes.length, "decodes to the end");
  return decoded[0];
}
