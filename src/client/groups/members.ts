/** What a user does with a group [E16]: each is one commit, made from the newest state and refused where the role forbids it. */
import { base64 } from "@scure/base";
import { ProtocolError } from "../../protocol/errors.ts";
import { groupConversationId } from "../../protocol/ids.ts";
import { limits } from "../../protocol/limits.ts";
import type { Role } from "../../protocol/mls.ts";
import { acceptedSchema } from "../../protocol/send.ts";
import type { ClaimedPackage, CryptoPort } from "../crypto/port.ts";
import type { GroupState } from "../group-state.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { Desk } from "../sync/desk.ts";
import type { LogReader } from "../sync/log-reader.ts";
import { newcomersIn, roleIn } from "../sync/roster.ts";
import type { Committer, PlannedChange, Present } from "./committer.ts";
import { EncryptionError } from "./encryption-error.ts";
import type { Founder } from "./founder.ts";

export interface MembersOptions {
  desk: Desk;
  crypto: CryptoPort;
  keys: KeyRing;
  reader: LogReader;
  committer: Committer;
  founder: Founder;
}

export class Members {
  readonly #options: MembersOptions;
  constructor(options: MembersOptions) {
    this.#options = options;
  }

  /** `messageId` is the caller's, so that asking twice founds once. Gives the conversation's id. */
  async create(
    messageId: string,
    { name, picture, userIds }: { name: string; picture: Uint8Array | null; userIds: readonly string[] },
  ): Promise<string> {
    const { desk, founder } = this.#options;
    const own = desk.session.userId;
    const others = [...new Set(userIds)].filter((userId) => userId !== own);
    const conversationId = await groupConversationId(own, messageId);
    const state: GroupState = {
      v: 1,
      kind: "group",
      name: name.trim(),
      picture: picture === null ? null : checkedPicture(picture),
      roles: [{ user_id: own, role: "owner" }],
    };
    await desk.inTurn(conversationId, async () => {
      if (desk.conversation(conversationId) !== null) return;
      const first = others.slice(0, usersAtOnce);
      const userIds = [own, ...first];
      await founder.found({ conversationId, kind: "group", generation: 1, userIds, state, messageId });
    });
    await this.add(conversationId, others);
    return conversationId;
  }

  /** As many commits as it takes; users who are in already stay as they are. */
  async add(conversationId: string, userIds: readonly string[]): Promise<void> {
    const { committer, desk, founder } = this.#options;
    for (let left = userIds.length; left > 0; ) {
      await committer.change(conversationId, async (present) => {
        const missing = absent(present, userIds);
        left = missing.length;
        if (left === 0) return null;
        if (ownRole(present, desk.session.userId) === "member") throw new ProtocolError("not_allowed");
        const batch = missing.slice(0, usersAtOnce);
        const add = (await founder.claim("group", batch)).slice(0, limits.devicesPerCommitMax);
        if (add.length === 0) throw new EncryptionError("no_keys");
        left -= batch.length;
        return { add, ...withoutRolesOf(add, present) };
      });
    }
  }

  async remove(conversationId: string, userId: string): Promise<void> {
    await this.#changeState(conversationId, (present) => {
      const devices = present.group.devices.filter((device) => device.user_id === userId);
      if (devices.length === 0) return null;
      const roles = present.state.roles.filter((it) => it.user_id !== userId);
      return { remove: devices, state: { ...present.state, roles } };
    });
  }

  async setRole(conversationId: string, userId: string, role: Role): Promise<void> {
    const own = this.#options.desk.session.userId;
    await this.#changeState(conversationId, (present) => {
      if (roleIn(present.state, userId) === role) return null;
      if (!present.record.members.some((member) => member.userId === userId))
        throw new ProtocolError("not_found");
      const changed = [{ user_id: userId, role }];
      // Handing over: there is one owner at any time.
      if (role === "owner") changed.push({ user_id: own, role: "admin" });
      const kept = present.state.roles.filter((it) => !changed.some((to) => to.user_id === it.user_id));
      const roles = [...kept, ...changed.filter((it) => it.role !== "member")];
      return { state: { ...present.state, roles }, roles: changed };
    });
  }

  async rename(conversationId: string, name: string): Promise<void> {
    await this.#changeState(conversationId, ({ state }) =>
      state.name === name.trim() ? null : { state: { ...state, name: name.trim() } },
    );
  }

  async setPicture(conversationId: string, picture: Uint8Array | null): Promise<void> {
    const encoded = picture === null ? null : checkedPicture(picture);
    await this.#changeState(conversationId, ({ state }) =>
      state.picture === encoded ? null : { state: { ...state, picture: encoded } },
    );
  }

  /** [E14] A statement in the log; whoever sees it first commits the removal. */
  async leave(conversationId: string): Promise<void> {
    const { committer, crypto, desk, keys, reader } = this.#options;
    await desk.inTurn(conversationId, async () => {
      for (let tries = 0; tries < limits.commitTriesMax; tries += 1) {
        await reader.refresh(conversationId);
        await reader.catchUp(conversationId);
        if (desk.conversation(conversationId)?.isMember === false) return;
        const { group, record } = await committer.present(conversationId);
        const signed = await crypto.signLeave(group, await keys.deviceKeys());
        if (signed.failure !== null) throw new EncryptionError(signed.failure);
        const body = {
          message_id: desk.environment.newMessageId(desk.environment.now()),
          generation: group.generation,
          epoch: group.epoch,
          base_seq: record.cursor.seq,
          signature: base64.encode(signed.value),
        };
        try {
          const path = `/conversations/${conversationId}/leave`;
          await desk.call({ method: "POST", path, body, answer: acceptedSchema });
          return await reader.catchUp(conversationId);
        } catch (error) {
          if (!(error instanceof ProtocolError) || error.code !== "stale_epoch") throw error;
        }
      }
      throw new ProtocolError("busy");
    });
  }

  async #changeState(
    conversationId: string,
    plan: (present: Present & { state: GroupState }) => PlannedChange | null,
  ): Promise<void> {
    const { committer, desk } = this.#options;
    await committer.change(conversationId, async (present) => {
      const { state } = present;
      if (state === null) throw new EncryptionError("no_state");
      // Name and picture the server cannot see, so nobody but the members refuses.
      if (ownRole(present, desk.session.userId) === "member") throw new ProtocolError("not_allowed");
      return plan({ ...present, state });
    });
  }
}

/** Five devices each: their key packages fit into one commit. */
const usersAtOnce = Math.floor(limits.devicesPerCommitMax / limits.devicesPerUserMax);

function absent({ group }: Present, userIds: readonly string[]): string[] {
  const held = new Set(group.devices.map((device) => device.user_id));
  return [...new Set(userIds)].filter((userId) => !held.has(userId));
}

/** Whoever was an admin and left comes back as a member; who stayed a member without any device keeps its role. */
function withoutRolesOf(add: readonly ClaimedPackage[], { record, state }: Present): PlannedChange {
  if (state === null) return {};
  const newcomers = newcomersIn(
    record.members,
    add.map(({ device }) => device),
  );
  const roles = state.roles.filter(({ user_id }) => !newcomers.includes(user_id));
  return roles.length === state.roles.length ? {} : { state: { ...state, roles } };
}

function ownRole({ state }: Present, userId: string): Role {
  return state === null ? "member" : roleIn(state, userId);
}

function checkedPicture(picture: Uint8Array): string {
  if (picture.length > limits.pictureBytesMax) throw new ProtocolError("too_large");
  return base64.encode(picture);
}
