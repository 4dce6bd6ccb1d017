/** Bytes of MLS objects on their way: inside the request while they are small, beside it under their hash when not. */
import { sha256 } from "@noble/hashes/sha2.js";
import { base64, base64urlnopad } from "@scure/base";
import { isEqual } from "../../mls-guard/bytes.ts";
import { limits } from "../../protocol/limits.ts";
import type { Blob as BlobRef } from "../../protocol/mls.ts";
import type { ReceivedEntry } from "../connection/frames.ts";
import type { CommitBytes } from "../sync/commit-state.ts";
import type { Desk } from "../sync/desk.ts";

export class Blobs {
  readonly #desk: Desk;
  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async put(conversationId: string, bytes: Uint8Array): Promise<BlobRef> {
    if (bytes.length <= limits.blobInlineBytesMax) return base64.encode(bytes);
    const hash = base64urlnopad.encode(sha256(bytes));
    await this.#desk.upload(`/conversations/${conversationId}/blobs/${hash}`, bytes);
    return { hash, size: bytes.length };
  }

  /** Whoever hands over other bytes than the hash names is taken for not answering. */
  async get(conversationId: string, blob: BlobRef): Promise<Uint8Array> {
    if (typeof blob === "string") return base64.decode(blob);
    const bytes = await this.#desk.download(`/conversations/${conversationId}/blobs/${blob.hash}`);
    if (!isEqual(sha256(bytes), base64urlnopad.decode(blob.hash)))
      throw new Error("The server sent other bytes than it named.");
    return bytes;
  }

  async ofCommits(
    conversationId: string,
    entries: readonly ReceivedEntry[],
  ): Promise<Map<number, CommitBytes>> {
    const found = new Map<number, CommitBytes>();
    for (const entry of entries) {
      if (entry.kind !== "commit") continue;
      const { envelope, sealed_state } = entry;
      if (typeof envelope === "string" && (sealed_state === null || typeof sealed_state === "string"))
        continue;
      found.set(entry.seq, {
        commit: await this.get(conversationId, envelope),
        sealedState: sealed_state === null ? null : await this.get(conversationId, sealed_state),
      });
    }
    return found;
  }
}
