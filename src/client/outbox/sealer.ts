/**
 * [E3] [E8] Encrypts what waits, when it is first sent and after `stale_epoch`: for the group's present epoch, with the
 * place in the log that is known then. Bytes and ratchet are stored together before anything is sent.
 */
import { base64 } from "@scure/base";
import { signedBase } from "../chain.ts";
import { encodeContent } from "../content.ts";
import { type CryptoPort, type HeldGroup, withRatchet } from "../crypto/port.ts";
import type { HeldGroups } from "../groups/held-groups.ts";
import type { ConversationRecord, OutboxRecord } from "../store/records.ts";
import type { Desk } from "../sync/desk.ts";
import type { Outbox } from "./outbox.ts";

export interface SealerOptions {
  desk: Desk;
  groups: HeldGroups;
  crypto: CryptoPort;
  outbox: Outbox;
}

export class Sealer {
  readonly #options: SealerOptions;
  constructor(options: SealerOptions) {
    this.#options = options;
  }

  /** False when this chat cannot be written to now: no key yet, none any more, or a fork [E13]. */
  async seal(conversationId: string, messageIds: readonly string[]): Promise<boolean> {
    const { desk, groups, outbox } = this.#options;
    if (desk.conversation(conversationId)?.isMember === false) {
      for (const item of messageIds.map((id) => outbox.find(conversationId, id)))
        if (item !== null) await outbox.update({ ...item, state: "failed", failure: "not_found" });
      return true;
    }
    return await groups.locked(conversationId, () => this.#sealLocked(conversationId, messageIds));
  }

  async #sealLocked(conversationId: string, messageIds: readonly string[]): Promise<boolean> {
    const { desk, groups, outbox } = this.#options;
    const record = desk.conversation(conversationId);
    const before = await groups.get(conversationId);
    if (record === null || before === null || !maySend(record, before)) return false;
    let group = before;
    const items: OutboxRecord[] = [];
    for (const messageId of messageIds) {
      const item = outbox.find(conversationId, messageId);
      if (item === null || item.sealed !== null) continue;
      const sealed = await this.#sealOne(record, group, item);
      if (sealed === null) break;
      group = sealed.group;
      items.push(sealed.item);
    }
    if (items.length === 0) return false;
    await outbox.putSealed(conversationId, items, groups.changes(conversationId, before, group));
    groups.stored(conversationId, group);
    return true;
  }

  async #sealOne(
    record: ConversationRecord,
    group: HeldGroup,
    item: OutboxRecord,
  ): Promise<{ group: HeldGroup; item: OutboxRecord } | null> {
    const encrypted = await this.#options.crypto.encrypt(group, {
      content: encodeContent(item.content),
      position: { messageId: item.messageId, ...signedBase(record) },
      stateHash: base64.decode(record.stateHash ?? ""),
    });
    if (encrypted.failure !== null) return null;
    const envelope = base64.encode(encrypted.value.bytes);
    const sealed = { generation: group.generation, epoch: group.epoch, envelope };
    return { group: withRatchet(group, encrypted.value), item: { ...item, sealed } };
  }
}

function maySend(record: ConversationRecord, group: HeldGroup): boolean {
  return (
    record.isMember &&
    record.security === "ok" &&
    record.resync === null &&
    record.stateHash !== null &&
    group.generation === record.generation
  );
}
