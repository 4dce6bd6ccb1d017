/**
 * Large MLS objects in R2, `mls/<conversation>/<hash>`. The Worker writes and reads the bytes; here is decided who may,
 * and here a row is made before anything is written, so that what no entry comes to name is found and swept [F5].
 */
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { Refusal } from "../rpc.ts";
import type { ConversationCore } from "./core.ts";
import type { DecodedBlob } from "./draft.ts";
import * as objects from "./objects.ts";
import { activeDevice, deviceOf } from "./roster.ts";
import { mayJoin } from "./roster-rules.ts";
import { settleWelcomes } from "./welcomes.ts";

export function blobKey(conversationId: string, hash: string): string {
  return `mls/${conversationId}/${hash}`;
}

export class Blobs {
  #core: ConversationCore;
  #bucket: R2Bucket;
  /** Being deleted: bytes of the same hash must not be written meanwhile. */
  #sweeping = new Set<string>();

  constructor(core: ConversationCore, bucket: R2Bucket) {
    this.#core = core;
    this.#bucket = bucket;
  }

  /** Before the bytes are written. `stored`: they are there already. */
  announce(asker: DeviceRef, hash: string): { state: "announced" | "stored" } | { refused: Refusal } {
    if (!this.#mayTakePart(asker)) return { refused: { code: "not_found", details: {} } };
    if (this.#sweeping.has(hash)) return { refused: { code: "busy", details: {} } };
    const isStored = objects.storedSize(this.#core.sql, hash) !== undefined;
    if (!objects.announceUpload(this.#core.sql, { hash, by: asker }, Date.now()))
      return { refused: { code: "busy", details: { where: "uploads that no entry names" } } };
    this.#core.armAlarm(limits.blobUnnamedLifetimeMs);
    return { state: isStored ? "stored" : "announced" };
  }

  /** The bytes are written. Of one that was never announced nothing is known. */
  uploaded(hash: string, size: number): void {
    if (this.#core.loaded !== null) objects.uploaded(this.#core.sql, hash, size);
  }

  /** Also for whoever left, as far as it may read the log [F8]. */
  mayRead(asker: DeviceRef, hash: string): boolean {
    const known = deviceOf(this.#core.roster, asker);
    if (this.#core.loaded === null || known?.gone === true) return false;
    if (known === undefined && !mayJoin(this.#core.roster, asker)) return false;
    return objects.storedSize(this.#core.sql, hash) !== undefined;
  }

  /** The bytes of a commit that was uploaded; null when they are not there. */
  async fetch({ hash }: DecodedBlob): Promise<Uint8Array | null> {
    if (this.#core.loaded === null || objects.storedSize(this.#core.sql, hash) === undefined) return null;
    const object = await this.#bucket.get(blobKey(this.#core.id, hash));
    return object === null ? null : new Uint8Array(await object.arrayBuffer());
  }

  /** In the alarm: false if something could not be deleted. */
  async sweep(now: number): Promise<boolean> {
    if (this.#core.loaded === null) return true;
    this.#settleWelcomes();
    const hashes = objects.takeSweepable(this.#core.sql, now);
    for (const hash of hashes) this.#sweeping.add(hash);
    const deleted = await Promise.allSettled(hashes.map((hash) => this.#delete(hash)));
    return deleted.every(({ status }) => status === "fulfilled");
  }

  async #delete(hash: string): Promise<void> {
    try {
      await this.#bucket.delete(blobKey(this.#core.id, hash));
      objects.swept(this.#core.sql, hash);
    } finally {
      this.#sweeping.delete(hash);
    }
  }

  /** Arms the alarm for what is to be swept next, after `soonestMs` at the earliest. */
  arm(soonestMs: number): void {
    if (this.#core.loaded === null) return;
    const at = objects.nextSweepAt(this.#core.sql);
    if (at !== null) this.#core.armAlarm(Math.max(soonestMs, at - Date.now()));
  }

  /** A Welcome has served a device that fetched it and has acknowledged the commit since. */
  #settleWelcomes(): void {
    const { loaded, sql } = this.#core;
    const isAwaited = (key: string, seq: number, isFetched: boolean) => {
      const [user_id = "", device_id] = key.split(".");
      const device = { user_id, device_id: Number(device_id) };
      if (activeDevice(this.#core.roster, device) === undefined) return false;
      return !isFetched || (loaded?.progress.device(device)?.acked ?? 0) < seq;
    };
    if (settleWelcomes(sql, isAwaited)) objects.dropUnnamedRows(sql);
  }

  #mayTakePart(device: DeviceRef): boolean {
    const { roster } = this.#core;
    return activeDevice(roster, device) !== undefined || mayJoin(roster, device);
  }
}
