/**
 * [E15] Founds a chat, or a further generation of one: a compare-and-set on the generation. The loser drops its group and
 * takes the Welcome of the winner; what waits in the outbox is encrypted for that one.
 */
import { base64 } from "@scure/base";
import { ProtocolError } from "../../protocol/errors.ts";
import { type DeviceRef, deviceKey } from "../../protocol/ids.ts";
import { limits } from "../../protocol/limits.ts";
import { claimAnswerSchema } from "../../protocol/mls.ts";
import { signedBase, startOf } from "../chain.ts";
import type { ChatKind, ClaimedPackage, CryptoPort } from "../crypto/port.ts";
import { type ConversationContent, encodeState } from "../group-state.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { PendingCommitRecord } from "../store/key-records.ts";
import type { Desk } from "../sync/desk.ts";
import { EncryptionError } from "./encryption-error.ts";
import type { Submitter } from "./submit.ts";

export interface FounderOptions {
  desk: Desk;
  crypto: CryptoPort;
  keys: KeyRing;
  submitter: Submitter;
}

export interface Founding {
  conversationId: string;
  kind: ChatKind;
  generation: number;
  userIds: readonly string[];
  state: ConversationContent;
  /** The id of a group follows from its first founding's. */
  messageId?: string;
}

export class Founder {
  readonly #options: FounderOptions;
  constructor(options: FounderOptions) {
    this.#options = options;
  }

  /** True if it is ours; false when somebody else was quicker. In the conversation's turn. */
  async found(founding: Founding): Promise<boolean> {
    const { desk, submitter } = this.#options;
    // One whose answer was lost may stand in the log: another's keys in its place would open nothing of it.
    await submitter.settle(founding.conversationId);
    if ((desk.conversation(founding.conversationId)?.generation ?? 0) >= founding.generation) return true;
    const pending = await this.#make(founding);
    await submitter.store(pending);
    try {
      await submitter.submit(pending);
      return true;
    } catch (error) {
      if (error instanceof ProtocolError && error.code === "already_founded") return false;
      throw error;
    }
  }

  /** Packages for every device of these users but this one. Devices without any come in by external commit later. */
  async claim(kind: ChatKind, userIds: readonly string[]): Promise<ClaimedPackage[]> {
    const { desk } = this.#options;
    const suite = kind === "group" ? "x25519" : "x_wing";
    const own = deviceKey({ user_id: desk.session.userId, device_id: desk.session.deviceId });
    const claimed: ClaimedPackage[] = [];
    for (let from = 0; from < userIds.length; from += limits.usersPerClaimMax) {
      const user_ids = userIds.slice(from, from + limits.usersPerClaimMax);
      const { users } = await desk.call({
        method: "POST",
        path: "/key-packages/claim",
        body: { suite, user_ids },
        answer: claimAnswerSchema,
      });
      for (const { user_id, devices } of users) {
        // [E4] Whom nobody asked for, the server does not bring in.
        if (!user_ids.includes(user_id)) continue;
        for (const { device_id, package: text } of devices) {
          const device = { user_id, device_id };
          if (text === null || deviceKey(device) === own) continue;
          claimed.push({ device, bytes: base64.decode(text) });
        }
      }
    }
    return claimed;
  }

  async #make({
    conversationId,
    kind,
    generation,
    userIds,
    state,
    ...rest
  }: Founding): Promise<PendingCommitRecord> {
    const { crypto, desk, keys } = this.#options;
    const { environment, session } = desk;
    const self: DeviceRef = { user_id: session.userId, device_id: session.deviceId };
    const claimed = await this.claim(kind, userIds);
    const others = userIds.filter((userId) => userId !== self.user_id);
    // Somebody without any key would not be in a chat that is founded now.
    if (kind === "direct" && !claimed.some(({ device }) => others.includes(device.user_id)))
      throw new EncryptionError("no_keys");
    const { document } = await crypto.makeState(encodeState(state));
    const messageId = rest.messageId ?? environment.newMessageId(environment.now());
    const record = desk.conversation(conversationId);
    const base = record === null ? { baseSeq: 0, baseHash: startOf(conversationId) } : signedBase(record);
    const made = await crypto.found({
      conversationId,
      generation,
      kind,
      keys: await keys.deviceKeys(),
      add: claimed.slice(0, limits.devicesPerCommitMax),
      document,
      position: { messageId, ...base },
      nowMs: environment.now(),
    });
    if (made.failure !== null) throw new EncryptionError(made.failure);
    return {
      conversationId,
      messageId,
      kind,
      generation,
      origin: "founder",
      made: made.value,
      rosterChange: { add: [self, ...made.value.added], remove: [] },
      document,
      baseSeq: base.baseSeq,
    };
  }
}
