/**
 * [E15] A further generation, where commits were lost with a restored log or coming in again does not help: founded by
 * either user of a direct chat or by an admin, with the members last known. The others take its Welcome from the log.
 */
import type { ConversationState } from "../../protocol/entry.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { limits } from "../../protocol/limits.ts";
import { directState } from "../group-state.ts";
import type { MemberRecord } from "../store/records.ts";
import { groupStateOf } from "../sync/commit-state.ts";
import type { Desk } from "../sync/desk.ts";
import type { LogReader } from "../sync/log-reader.ts";
import { EncryptionError } from "./encryption-error.ts";
import type { Founder } from "./founder.ts";
import type { HeldGroups } from "./held-groups.ts";

export interface RefounderOptions {
  desk: Desk;
  groups: HeldGroups;
  reader: LogReader;
  founder: Founder;
  /** What waits was encrypted for the log that is gone. */
  sealAnew(conversationId: string): Promise<void>;
  addMembers(conversationId: string, userIds: readonly string[]): Promise<void>;
  /** In the background, until it works. */
  bringUp(conversationId: string): void;
}

const ranks = ["owner", "admin", "member"] as const;

/** Those first whom the founder may not leave out. */
function byRank(members: readonly MemberRecord[]): string[] {
  return ranks.flatMap((rank) => members.filter(({ role }) => role === rank).map(({ userId }) => userId));
}

export class Refounder {
  readonly #options: RefounderOptions;
  readonly #adding = new Set<string>();
  constructor(options: RefounderOptions) {
    this.#options = options;
  }

  /** [L5] The log was replaced: whether it still leads to the group that is held here. In the conversation's turn. */
  async afterReplacement(state: ConversationState): Promise<void> {
    const { desk, groups, sealAnew } = this.#options;
    const { conversation_id: conversationId } = state;
    await sealAnew(conversationId);
    const group = await groups.get(conversationId);
    const areLost =
      group !== null &&
      (group.generation > state.generation ||
        (group.generation === state.generation && group.epoch > state.epoch));
    if (!areLost) return;
    await groups.locked(conversationId, async () => {
      const record = desk.conversation(conversationId);
      if (record === null) return;
      // A generation of the same number may come again, and is another one.
      await desk.commit({ ...record, security: "repairing", generation: state.generation }, [
        ...groups.changes(conversationId, group, null),
        { table: "pendingCommits", remove: [conversationId] },
      ]);
      groups.stored(conversationId, null);
    });
    await this.found(conversationId);
  }

  /** Does nothing where this user may not, or has the key of what the server holds. In the conversation's turn. */
  async found(conversationId: string): Promise<void> {
    const { desk, founder, reader } = this.#options;
    const record = desk.conversation(conversationId);
    if (record === null || !record.isMember) return;
    const own = record.members.find((member) => member.userId === desk.session.userId);
    if (record.kind === "group" && (own === undefined || own.role === "member")) return;
    const document = groupStateOf(await desk.store.get("documents", [conversationId]));
    if (record.kind === "group" && document === null) return;
    const { generation } = await reader.fetchState(conversationId);
    const userIds = byRank(record.members);
    // Before the founding: a crash after it must not drop whom it had no room for.
    if (record.kind === "group") await desk.commit({ ...record, restToAdd: userIds }, []);
    const isOurs = await founder.found({
      conversationId,
      kind: record.kind,
      generation: generation + 1,
      // Who is claimed now and finds no room would be claimed once more.
      userIds: userIds.slice(0, limits.devicesPerCommitMax),
      state: document ?? directState,
    });
    if (isOurs) return this.addRest(conversationId);
    await this.#noMore(conversationId);
    await reader.catchUp(conversationId);
  }

  /** A founding has room for so many devices: whoever is not in is added after it, out of the conversation's turn. */
  addRest(conversationId: string): void {
    const { bringUp, desk } = this.#options;
    const userIds = desk.conversation(conversationId)?.restToAdd ?? [];
    if (userIds.length === 0 || this.#adding.has(conversationId)) return;
    this.#adding.add(conversationId);
    this.#add(conversationId, userIds)
      .catch(() => bringUp(conversationId))
      .finally(() => this.#adding.delete(conversationId));
  }

  async #add(conversationId: string, userIds: readonly string[]): Promise<void> {
    const { addMembers, desk } = this.#options;
    try {
      await addMembers(conversationId, userIds);
    } catch (error) {
      if (!isFinal(error)) throw error;
    }
    await desk.inTurn(conversationId, () => this.#noMore(conversationId));
  }

  async #noMore(conversationId: string): Promise<void> {
    const { desk } = this.#options;
    const record = desk.conversation(conversationId);
    if (record?.restToAdd !== undefined) await desk.commit({ ...record, restToAdd: undefined }, []);
  }
}

/** Whom nobody can bring in now, an admin adds by hand. */
function isFinal(error: unknown): boolean {
  if (error instanceof EncryptionError) return error.code === "no_keys";
  return error instanceof ProtocolError && error.code === "not_allowed";
}
