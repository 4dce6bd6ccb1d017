/**
 * A Kittiwake without a server, in memory: what the app's state layer is tested on. Tests drive the other side
 * through `receive`, `advance` and `become`, and look at what the app asked for in `calls`.
 */
import type {
  ConnectionState,
  Contact,
  ConversationSummary,
  Group,
  Kittiwake,
  KittiwakeEvent,
  Message,
  MessageStatus,
  Profile,
  Role,
  Session,
} from "../../src/client/contract.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { foundedGroup, withMembers, withoutMember, withRole } from "./fake-groups.ts";

interface FakeChat {
  /** Null in a group, which is in `groups` under the same id. */
  peerId: string | null;
  peerPhone: string | null;
  title: string;
  isMember: boolean;
  security: ConversationSummary["security"];
  isRequest: boolean;
  messages: Message[];
  readSeq: number;
  lastActivityMs: number;
}

export class FakeKittiwake implements Kittiwake {
  session: Session | null = null;
  connection: ConnectionState = { status: "signed_out" };
  /** Every call that changes something, as `name argument argument`. */
  readonly calls: string[] = [];
  /** Numbers that have an account, by phone. */
  readonly people = new Map<string, string>();
  readonly chats = new Map<string, FakeChat>();
  readonly groups = new Map<string, Group>();
  /** Who can be found and is known, by user id. */
  readonly known = new Map<string, Contact>();
  ownProfile: Profile = { name: "Ada", picture: null };
  readonly openChats = new Set<string>();
  readonly accountDevices = [{ deviceId: 1, name: "This browser", createdAtMs: 0, isThis: true }];
  /** The next call of this name is refused with this error. */
  readonly refusals = new Map<string, Error>();
  code = "123456";
  nowMs = Date.UTC(2026, 10, 24, 12);

  readonly #listeners = new Set<(event: KittiwakeEvent) => void>();
  #lastId = 0;

  subscribe(listener: (event: KittiwakeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // Steering.

  logIn(session: Session): void {
    this.session = session;
    this.connection = { status: "live" };
  }

  become(connection: ConnectionState): void {
    this.connection = connection;
    this.#emit({ type: "connection", state: connection });
  }

  addChat(conversationId: string, title: string, peerPhone: string): void {
    const messages: Message[] = [];
    this.chats.set(conversationId, {
      peerId: `peer-${conversationId}`,
      peerPhone,
      title,
      isMember: true,
      security: "ok",
      isRequest: false,
      messages,
      readSeq: 0,
      lastActivityMs: this.nowMs,
    });
    this.#emit({ type: "conversations" });
  }

  addGroup(group: Group): void {
    this.groups.set(group.conversationId, group);
    this.addChat(group.conversationId, group.name, "");
    this.change(group.conversationId, { peerId: null, peerPhone: null });
  }

  /** Something about a chat that nobody wrote: its security, its title. */
  change(conversationId: string, change: Partial<FakeChat>): void {
    this.chats.set(conversationId, { ...this.#chat(conversationId), ...change });
    this.#emit({ type: "conversations" });
  }

  /** A group as others made it, with the notice they left. */
  changeGroup(conversationId: string, change: (group: Group) => Group, notice?: Message["body"]): void {
    const group = change(this.#group(conversationId));
    this.groups.set(conversationId, group);
    this.change(conversationId, { title: group.name, isMember: group.ownRole !== null });
    if (notice !== undefined) this.receive(conversationId, notice);
  }

  /** From the other side; in a group from whoever is named. */
  receive(
    conversationId: string,
    body: string | Message["body"],
    sender?: Pick<Message, "senderId" | "senderName">,
  ): Message {
    const message = this.#append(conversationId, body, null, sender);
    this.#changed(conversationId);
    return message;
  }

  /** Gives an own message its status, and its place in the log with the first one that has one. */
  advance(
    conversationId: string,
    messageId: string,
    status: MessageStatus,
    failure: string | null = null,
  ): void {
    const chat = this.#chat(conversationId);
    chat.messages = chat.messages.map((message) =>
      message.messageId === messageId
        ? { ...message, status, failure, seq: this.#seqFor(chat, message, status) }
        : message,
    );
    this.#changed(conversationId);
  }

  // What the app calls.

  async requestCode(phone: string): Promise<{ expiresInSeconds: number; developmentCode: string | null }> {
    this.#call("requestCode", phone);
    return { expiresInSeconds: 600, developmentCode: this.code };
  }

  async verify(request: { phone: string; code: string; deviceName: string; name: string }): Promise<Session> {
    this.#call("verify", request.phone, request.code);
    if (request.code !== this.code) throw new ProtocolError("wrong_code");
    const session = { userId: "me", deviceId: 1, phone: request.phone, name: request.name };
    this.logIn(session);
    this.#emit({ type: "session" });
    return session;
  }

  async logOut(): Promise<void> {
    this.#call("logOut");
    this.session = null;
    this.connection = { status: "signed_out" };
    this.chats.clear();
    this.#emit({ type: "session" });
  }

  async devices(): Promise<{ deviceId: number; name: string; createdAtMs: number; isThis: boolean }[]> {
    this.#call("devices");
    return [...this.accountDevices];
  }

  async revokeDevice(deviceId: number): Promise<void> {
    this.#call("revokeDevice", deviceId);
    const index = this.accountDevices.findIndex((device) => device.deviceId === deviceId);
    if (index >= 0) this.accountDevices.splice(index, 1);
  }

  async conversations(): Promise<ConversationSummary[]> {
    return [...this.chats.keys()].map((conversationId) => this.#summary(conversationId));
  }

  async conversation(conversationId: string): Promise<ConversationSummary | null> {
    return this.chats.has(conversationId) ? this.#summary(conversationId) : null;
  }

  async startChat(phone: string): Promise<string> {
    this.#call("startChat", phone);
    const conversationId = this.people.get(phone);
    if (conversationId === undefined) throw new ProtocolError("unknown_user");
    if (!this.chats.has(conversationId)) {
      this.addChat(conversationId, phone, phone);
      this.receive(conversationId, { type: "notice", notice: { type: "founded" } });
    }
    return conversationId;
  }

  async findUser(phone: string): Promise<Contact> {
    this.#call("findUser", phone);
    const found = [...this.known.values()].find((contact) => contact.phone === phone);
    if (found === undefined) throw new ProtocolError("unknown_user");
    return found;
  }

  async contacts(): Promise<Contact[]> {
    this.#call("contacts");
    return [...this.known.values()];
  }

  async createGroup(request: {
    name: string;
    picture: Uint8Array | null;
    userIds: string[];
  }): Promise<string> {
    this.#call("createGroup", request.name, ...request.userIds);
    const conversationId = `group-${this.groups.size + 1}`;
    const members = request.userIds.map((userId) => this.#known(userId));
    this.addGroup(foundedGroup(conversationId, request.name, request.picture, members));
    return conversationId;
  }

  async group(conversationId: string): Promise<Group | null> {
    return this.groups.get(conversationId) ?? null;
  }

  async addMembers(conversationId: string, userIds: string[]): Promise<void> {
    this.#call("addMembers", conversationId, ...userIds);
    const added = userIds.map((userId) => this.#known(userId));
    this.changeGroup(conversationId, (group) => withMembers(group, added));
  }

  async removeMember(conversationId: string, userId: string): Promise<void> {
    this.#call("removeMember", conversationId, userId);
    this.changeGroup(conversationId, (group) => withoutMember(group, userId));
  }

  async setRole(conversationId: string, userId: string, role: Role): Promise<void> {
    this.#call("setRole", conversationId, userId, role);
    this.changeGroup(conversationId, (group) => withRole(group, userId, role));
  }

  async renameGroup(conversationId: string, name: string): Promise<void> {
    this.#call("renameGroup", conversationId, name);
    this.changeGroup(conversationId, (group) => ({ ...group, name }));
  }

  async setGroupPicture(conversationId: string, picture: Uint8Array | null): Promise<void> {
    this.#call("setGroupPicture", conversationId, picture?.length ?? "none");
    this.changeGroup(conversationId, (group) => ({ ...group, picture }));
  }

  async leaveGroup(conversationId: string): Promise<void> {
    this.#call("leaveGroup", conversationId);
    this.changeGroup(conversationId, (group) => withoutMember(group, "me"));
  }

  async profile(): Promise<Profile> {
    return this.ownProfile;
  }

  async setProfile(profile: Profile): Promise<void> {
    this.#call("setProfile", profile.name);
    this.ownProfile = profile;
    this.#emit({ type: "profile" });
  }

  async messages(
    conversationId: string,
    options: { beforeSeq?: number | null; limit?: number } = {},
  ): Promise<Message[]> {
    const { beforeSeq = null, limit = 50 } = options;
    const { messages } = this.#chat(conversationId);
    const before = messages.filter(({ seq }) => beforeSeq === null || (seq !== null && seq < beforeSeq));
    return before.slice(-limit);
  }

  async send(conversationId: string, text: string): Promise<Message> {
    this.#call("send", conversationId, text);
    const message = this.#append(conversationId, text, "pending");
    this.#changed(conversationId);
    return message;
  }

  async retry(conversationId: string, messageId: string): Promise<void> {
    this.#call("retry", conversationId, messageId);
    this.advance(conversationId, messageId, "pending");
  }

  async discard(conversationId: string, messageId: string): Promise<void> {
    this.#call("discard", conversationId, messageId);
    const chat = this.#chat(conversationId);
    chat.messages = chat.messages.filter((message) => message.messageId !== messageId);
    this.#changed(conversationId);
  }

  openChat(conversationId: string): () => void {
    this.openChats.add(conversationId);
    return () => this.openChats.delete(conversationId);
  }

  async markRead(conversationId: string, seq: number): Promise<void> {
    this.#call("markRead", conversationId, seq);
    const chat = this.#chat(conversationId);
    chat.readSeq = Math.max(chat.readSeq, seq);
    this.#emit({ type: "conversations" });
  }

  wake(): void {
    this.#call("wake");
  }

  async poll(): Promise<boolean> {
    return true;
  }

  async diagnostics(): Promise<Record<string, number>> {
    return {};
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  #call(name: string, ...rest: (string | number)[]): void {
    this.calls.push([name, ...rest].join(" "));
    const refusal = this.refusals.get(name);
    this.refusals.delete(name);
    if (refusal !== undefined) throw refusal;
  }

  #append(
    conversationId: string,
    content: string | Message["body"],
    status: MessageStatus | null,
    sender?: Pick<Message, "senderId" | "senderName">,
  ): Message {
    const chat = this.#chat(conversationId);
    this.#lastId += 1;
    const message: Message = {
      conversationId,
      messageId: `message-${this.#lastId}`,
      seq: status === "pending" ? null : nextSeq(chat),
      isOwn: status !== null,
      senderId: status === null ? (chat.peerId ?? "somebody") : "me",
      senderName: status === null ? chat.title : "Ada",
      ...sender,
      sentAtMs: this.nowMs,
      body: typeof content === "string" ? { type: "text", text: content } : content,
      status,
      failure: null,
    };
    chat.messages = [...chat.messages, message];
    chat.lastActivityMs = this.nowMs;
    return message;
  }

  #seqFor(chat: FakeChat, message: Message, status: MessageStatus): number | null {
    const isPlaced = status !== "pending" && status !== "failed";
    return message.seq ?? (isPlaced ? nextSeq(chat) : null);
  }

  #summary(conversationId: string): ConversationSummary {
    const { messages, readSeq, ...chat } = this.#chat(conversationId);
    const counts = ({ isOwn, seq, body }: Message): boolean =>
      !isOwn && body.type !== "notice" && (seq ?? 0) > readSeq;
    return {
      conversationId,
      ...chat,
      kind: this.groups.has(conversationId) ? "group" : "direct",
      picture: this.groups.get(conversationId)?.picture ?? null,
      lastMessage: messages.at(-1) ?? null,
      unread: messages.filter(counts).length,
    };
  }

  #known(userId: string): Contact {
    const contact = this.known.get(userId);
    if (contact === undefined) throw new ProtocolError("not_found");
    return contact;
  }

  #group(conversationId: string): Group {
    const group = this.groups.get(conversationId);
    if (group === undefined) throw new ProtocolError("not_found");
    return group;
  }

  #chat(conversationId: string): FakeChat {
    const chat = this.chats.get(conversationId);
    if (chat === undefined) throw new ProtocolError("not_found");
    return chat;
  }

  #changed(conversationId: string): void {
    this.#emit({ type: "messages", conversationId });
    this.#emit({ type: "conversations" });
  }

  #emit(event: KittiwakeEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

function nextSeq(chat: FakeChat): number {
  return chat.messages.reduce((highest, message) => Math.max(highest, message.seq ?? 0), 0) + 1;
}
