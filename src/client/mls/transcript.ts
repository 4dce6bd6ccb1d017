/**
 * [E12] RFC 9420 (8.2): the transcript hash over the public commits since an anchor. Whoever joins by GroupInfo and has
 * an anchor from a sibling can tell by it that the GroupInfo belongs to the log's commits and is none of the server's.
 */
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { concat } from "../../mls-guard/bytes.ts";
import { checkedCommit, type ExpectedCommit } from "../../mls-guard/commit-rules.ts";
import { fail } from "./failures.ts";
import { epochOf, type Group } from "./group.ts";

export interface TranscriptAnchor {
  epoch: number;
  confirmedHash: Uint8Array;
  confirmationTag: Uint8Array;
}

export function anchorOf(group: Group): TranscriptAnchor {
  const { confirmationTag, groupContext } = group.state;
  return { epoch: epochOf(group), confirmedHash: groupContext.confirmedTranscriptHash, confirmationTag };
}

/** Throws a Refusal at a commit that is none of this generation's next one. */
export function anchorAfter(
  anchor: TranscriptAnchor,
  commits: readonly Uint8Array[],
  group: Omit<ExpectedCommit, "epoch">,
): TranscriptAnchor {
  const hash = group.suite === "x25519" ? sha256 : sha512;
  return commits.reduce((before, bytes) => {
    const commit = checkedCommit(bytes, { ...group, epoch: before.epoch });
    if (before.confirmationTag.length >= 0x4000) fail("malformed");
    const interim = hash(concat(before.confirmedHash, opaque(before.confirmationTag)));
    return {
      epoch: before.epoch + 1,
      confirmedHash: hash(concat(interim, commit.transcriptInput)),
      confirmationTag: commit.confirmationTag,
    };
  }, anchor);
}

/** opaque<V> of a tag: 32 or 64 bytes. */
function opaque(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  const head = length < 0x40 ? [length] : [0x40 | (length >> 8), length & 0xff];
  return concat(new Uint8Array(head), bytes);
}
