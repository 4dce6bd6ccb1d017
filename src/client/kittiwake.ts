/** The public object: reads answer from the store, what changes something goes to the tab that leads (session-seat.ts). */
import { limits } from "../protocol/limits.ts";
import { finishLogOut, requestCode } from "./auth/login.ts";
import type {
  ConnectionState,
  Contact,
  ConversationSummary,
  Group,
  Kittiwake,
  KittiwakeEvent,
  Message,
  Profile,
  Role,
  Session,
} from "./contract.ts";
import { type KittiwakeMeans, SessionSeat } from "./session-seat.ts";
import { getValue } from "./store/store.ts";
import { groupView } from "./views/groups.ts";
import { messages } from "./views/messages.ts";
import { Names } from "./views/names.ts";
import { summaries, summary } from "./views/summaries.ts";

export class KittiwakeClient implements Kittiwake {
  readonly #seat: SessionSeat;
  constructor(means: KittiwakeMeans) {
    this.#seat = new SessionSeat(means);
  }

  get session(): Session | null {
    return this.#seat.session;
  }
  get connection(): ConnectionState {
    return this.#seat.connection;
  }
  subscribe(listener: (event: KittiwakeEvent) => void): () => void {
    return this.#seat.subscribe(listener);
  }
  async resume(): Promise<void> {
    await this.#seat.resume();
  }

  async requestCode(phone: string) {
    await finishLogOut(this.#means);
    return await requestCode(this.#means, phone);
  }
  async verify(request: { phone: string; code: string; deviceName: string; name: string }): Promise<Session> {
    return await this.#seat.verify(request);
  }
  async logOut(): Promise<void> {
    await this.#seat.logOut();
  }
  async devices() {
    return (await this.#seat.call("devices")) as Awaited<ReturnType<Kittiwake["devices"]>>;
  }
  async revokeDevice(deviceId: number): Promise<void> {
    await this.#seat.call("revokeDevice", deviceId);
  }

  async conversations(): Promise<ConversationSummary[]> {
    return await this.#read([], (store, userId) => summaries(store, userId));
  }
  async conversation(conversationId: string): Promise<ConversationSummary | null> {
    return await this.#read(null, (store, userId) => summary(store, conversationId, userId));
  }
  async startChat(phone: string): Promise<string> {
    return (await this.#seat.call("startChat", phone)) as string;
  }
  async findUser(phone: string): Promise<Contact> {
    return (await this.#seat.call("findUser", phone)) as Contact;
  }
  async contacts(): Promise<Contact[]> {
    return await this.#read([], async (store, userId) => (await Names.of(store, userId)).contacts());
  }

  async createGroup(request: {
    name: string;
    picture: Uint8Array | null;
    userIds: string[];
  }): Promise<string> {
    const { environment } = this.#means;
    const messageId = environment.newMessageId(environment.now());
    return (await this.#seat.call("createGroup", messageId, request)) as string;
  }
  async group(conversationId: string): Promise<Group | null> {
    return await this.#read(null, (store, userId) => groupView(store, conversationId, userId));
  }
  async addMembers(conversationId: string, userIds: string[]): Promise<void> {
    await this.#seat.call("addMembers", conversationId, userIds);
  }
  async removeMember(conversationId: string, userId: string): Promise<void> {
    await this.#seat.call("removeMember", conversationId, userId);
  }
  async setRole(conversationId: string, userId: string, role: Role): Promise<void> {
    await this.#seat.call("setRole", conversationId, userId, role);
  }
  async renameGroup(conversationId: string, name: string): Promise<void> {
    await this.#seat.call("renameGroup", conversationId, name);
  }
  async setGroupPicture(conversationId: string, picture: Uint8Array | null): Promise<void> {
    await this.#seat.call("setGroupPicture", conversationId, picture);
  }
  async leaveGroup(conversationId: string): Promise<void> {
    await this.#seat.call("leaveGroup", conversationId);
  }

  async profile(): Promise<Profile> {
    const { userId } = this.#seat.signedIn();
    const { own } = await Names.of(this.#means.store, userId);
    return { name: own.name, picture: own.picture };
  }
  async setProfile(profile: Profile): Promise<void> {
    await this.#seat.call("setProfile", profile);
  }
  /** [E9] How often each failure of the encryption came on this device, by its code. */
  async diagnostics(): Promise<Record<string, number>> {
    return (await getValue(this.#means.store, "failure_counts")) ?? {};
  }

  async messages(
    conversationId: string,
    {
      beforeSeq = null,
      limit = limits.localPageMessagesMax,
    }: { beforeSeq?: number | null; limit?: number } = {},
  ): Promise<Message[]> {
    const query = { conversationId, beforeSeq, limit };
    return await this.#read([], (store, userId) => messages(store, query, userId));
  }

  async send(conversationId: string, text: string): Promise<Message> {
    const { environment, store } = this.#means;
    const { userId } = this.#seat.signedIn();
    const nowMs = environment.now();
    const messageId = environment.newMessageId(nowMs);
    await this.#seat.call("write", conversationId, messageId, text);
    const { own } = await Names.of(store, userId);
    const common = {
      conversationId,
      messageId,
      seq: null,
      isOwn: true,
      senderId: userId,
      senderName: own.name,
    };
    return { ...common, sentAtMs: nowMs, body: { type: "text", text }, status: "pending", failure: null };
  }
  async retry(conversationId: string, messageId: string): Promise<void> {
    await this.#seat.call("retry", conversationId, messageId);
  }
  async discard(conversationId: string, messageId: string): Promise<void> {
    await this.#seat.call("discard", conversationId, messageId);
  }

  openChat(conversationId: string): () => void {
    this.#seat.shows(conversationId, 1);
    let isOpen = true;
    return () => {
      if (isOpen) this.#seat.shows(conversationId, -1);
      isOpen = false;
    };
  }
  async markRead(conversationId: string, seq: number): Promise<void> {
    await this.#seat.call("markRead", conversationId, seq);
  }

  wake(): void {
    this.#seat.wake();
  }
  async poll(waitMs: number): Promise<boolean> {
    return (await this.#seat.call("poll", waitMs)) as boolean;
  }
  async close(): Promise<void> {
    await this.#seat.close();
  }

  get #means(): SessionSeat["means"] {
    return this.#seat.means;
  }

  async #read<T>(
    signedOut: T,
    read: (store: KittiwakeMeans["store"], userId: string) => Promise<T>,
  ): Promise<T> {
    const { session } = this.#seat;
    return session === null ? signedOut : await read(this.#means.store, session.userId);
  }
}
