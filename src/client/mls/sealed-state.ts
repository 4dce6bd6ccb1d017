/**
 * [E16] The group's state (roles, policies, name, picture, timer, invites) as a commit carries it: its hash in the
 * authenticated data, itself sealed under the new epoch's exporter. What is in it is not this folder's business.
 * A document starts with 32 random bytes: the hash stands in the clear, and names are easy to guess.
 */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { mlsExporter } from "ts-mls";
import { mlsBounds } from "../../mls-guard/bounds.ts";
import { concat, isEqual, uint32, uint64 } from "../../mls-guard/bytes.ts";
import { attempt, fail, type Result } from "./failures.ts";
import { epochOf, type Group } from "./group.ts";
import { paddedLength } from "./padding.ts";
import { randomBytes } from "./random.ts";

import { implementationOf } from "./suites.ts";

const saltBytes = 32;
const nonceBytes = 24;

export function makeStateDocument(content: Uint8Array): Uint8Array {
  return concat(randomBytes(saltBytes), content);
}
export function contentOfState(document: Uint8Array): Uint8Array {
  return document.slice(saltBytes);
}
export function stateHash(document: Uint8Array): Uint8Array {
  return sha256(concat(new TextEncoder().encode("kittiwake/1/state"), document));
}

export async function sealState(group: Group, document: Uint8Array): Promise<Uint8Array> {
  if (document.length < saltBytes) throw new Error("a state document comes from makeStateDocument");
  const padded = new Uint8Array(paddedLength(4 + document.length));
  padded.set(concat(uint32(document.length), document));
  if (padded.length + nonceBytes + 16 > mlsBounds.sealedStateBytesMax) fail("too_large");
  const nonce = randomBytes(nonceBytes);
  return concat(nonce, xchacha20poly1305(await keyOf(group), nonce, boundTo(group)).encrypt(padded));
}

/** `hash`: what the commit that led to this epoch said. */
export function openState(group: Group, sealed: Uint8Array, hash: Uint8Array): Promise<Result<Uint8Array>> {
  return attempt("state_unreadable", async () => {
    if (sealed.length > mlsBounds.sealedStateBytesMax) fail("too_large");
    const cipher = xchacha20poly1305(await keyOf(group), sealed.subarray(0, nonceBytes), boundTo(group));
    const padded = cipher.decrypt(sealed.subarray(nonceBytes));
    const end = 4 + new DataView(padded.buffer, padded.byteOffset).getUint32(0);
    if (end > padded.length) fail("bad_padding");
    const document = padded.slice(4, end);
    if (!isEqual(stateHash(document), hash)) fail("state_mismatch");
    return document;
  });
}

async function keyOf(group: Group): Promise<Uint8Array> {
  const { exporterSecret } = group.state.keySchedule;
  const suite = await implementationOf(group.suite);
  return await mlsExporter(exporterSecret, "kittiwake/1/state", new Uint8Array(), 32, suite);
}

function boundTo(group: Group): Uint8Array {
  return concat(group.state.groupContext.groupId, uint64(epochOf(group)));
}
