/**
 * Commits of a member [E2] [E8] [E11]: made from the newest state, stored with what they lead to, sent, adopted from the
 * log. The loser of a race starts over from what the winner left, a bounded number of times. Whoever has to go is taken
 * out by whichever commit comes first [E14].
 */
import { ProtocolError } from "../../protocol/errors.ts";
import { type DeviceRef, deviceKey } from "../../protocol/ids.ts";
import { limits } from "../../protocol/limits.ts";
import type { RosterChange } from "../../protocol/mls.ts";
import { signedBase } from "../chain.ts";
import type { ClaimedPackage, CryptoPort, HeldGroup } from "../crypto/port.ts";
import { type ConversationContent, directState, encodeState, type GroupState } from "../group-state.ts";
import type { PendingCommitRecord } from "../store/key-records.ts";
import type { ConversationRecord } from "../store/records.ts";
import { groupStateOf } from "../sync/commit-state.ts";
import type { Desk } from "../sync/desk.ts";
import type { LogReader } from "../sync/log-reader.ts";
import { EncryptionError } from "./encryption-error.ts";
import type { HeldGroups } from "./held-groups.ts";
import type { Submitter } from "./submit.ts";

export interface Present {
  record: ConversationRecord;
  group: HeldGroup;
  /** Null in a direct chat. */
  state: GroupState | null;
}

export interface PlannedChange {
  add?: ClaimedPackage[];
  remove?: DeviceRef[];
  /** Null: stays as it is. */
  state?: ConversationContent;
  roles?: RosterChange["roles"];
}

export interface CommitterOptions {
  desk: Desk;
  groups: HeldGroups;
  crypto: CryptoPort;
  reader: LogReader;
  submitter: Submitter;
}

export class Committer {
  readonly #options: CommitterOptions;
  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** `plan` is asked for each try, and says null when there is nothing left to change. Takes the conversation's turn. */
  async change(
    conversationId: string,
    plan: (present: Present) => Promise<PlannedChange | null>,
  ): Promise<void> {
    await this.#options.desk.inTurn(conversationId, () => this.changeInTurn(conversationId, plan));
  }

  async changeInTurn(
    conversationId: string,
    plan: (present: Present) => Promise<PlannedChange | null>,
  ): Promise<void> {
    const { reader, submitter } = this.#options;
    await submitter.settle(conversationId);
    for (let tries = 0; tries < limits.commitTriesMax; tries += 1) {
      await reader.refresh(conversationId);
      await reader.catchUp(conversationId);
      const present = await this.present(conversationId);
      const change = await plan(present);
      if (change === null) return;
      try {
        return await submitter.submit(await this.#make(present, change));
      } catch (error) {
        if (!(error instanceof ProtocolError) || !isRace(error)) throw error;
      }
    }
    throw new ProtocolError("busy");
  }

  /** [E14] Those who left, and devices that were logged out. */
  async removeDue(conversationId: string): Promise<void> {
    await this.change(conversationId, async (present) => (dueIn(present).length === 0 ? null : {}));
  }

  async present(conversationId: string): Promise<Present> {
    const { desk, groups } = this.#options;
    const record = desk.conversation(conversationId);
    if (record === null) throw new ProtocolError("not_found");
    if (!record.isMember) throw new ProtocolError("not_allowed");
    const group = await groups.get(conversationId);
    const isUsable = group?.generation === record.generation && record.security === "ok";
    if (!isUsable) throw new EncryptionError(record.security);
    return { record, group, state: groupStateOf(await desk.store.get("documents", [conversationId])) };
  }

  async #make(present: Present, change: PlannedChange): Promise<PendingCommitRecord> {
    const { crypto, desk, submitter } = this.#options;
    const { record, group } = present;
    const { conversationId, kind, generation, cursor } = record;
    const messageId = desk.environment.newMessageId(desk.environment.now());
    const remove = distinct([...(change.remove ?? []), ...dueIn(present)]);
    const document = await this.#document(present, change);
    const made = await crypto.commit(group, {
      add: change.add ?? [],
      remove,
      document,
      position: { messageId, ...signedBase(record) },
      nowMs: desk.environment.now(),
    });
    if (made.failure !== null) throw new EncryptionError(made.failure);
    const { roles } = change;
    const rosterChange = { add: made.value.added, remove, ...(roles === undefined ? {} : { roles }) };
    const pending: PendingCommitRecord = {
      conversationId,
      messageId,
      kind,
      generation,
      origin: "member",
      made: made.value,
      rosterChange,
      document,
      baseSeq: cursor.seq,
    };
    await submitter.store(pending);
    return pending;
  }

  async #document({ record, state }: Present, change: PlannedChange): Promise<Uint8Array> {
    const { crypto, desk } = this.#options;
    const known = await desk.store.get("documents", [record.conversationId]);
    const content = change.state ?? (record.kind === "direct" && known === null ? directState : null);
    if (content !== null) return (await crypto.makeState(encodeState(content))).document;
    // [E16] A device that came in by external commit cannot commit before a member has told it the state.
    if (known === null || (record.kind === "group" && state === null)) throw new EncryptionError("no_state");
    return known.document;
  }
}

export function dueIn({ record, group }: Present): DeviceRef[] {
  const due = new Set(record.toRemove.map(deviceKey));
  const leavers = new Set(record.leavers);
  return group.devices.filter((device) => due.has(deviceKey(device)) || leavers.has(device.user_id));
}

function distinct(devices: readonly DeviceRef[]): DeviceRef[] {
  return [...new Map(devices.map((device) => [deviceKey(device), device])).values()];
}

function isRace({ code }: ProtocolError): boolean {
  return code === "stale_epoch" || code === "commit_required";
}
