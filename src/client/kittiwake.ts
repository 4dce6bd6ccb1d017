/** The public object: reads answer from the store, what changes something goes to the tab that leads (tabs/seat.ts). */

import { ProtocolError } from "../protocol/errors.ts";
import { limits } from "../protocol/limits.ts";
import { finishLogOut, forgetDevice, logIn, requestCode } from "./auth/login.ts";
import type { SignedOutReason } from "./auth/session-keeper.ts";
import { ShownState } from "./connection/shown-state.ts";
import type {
  ConnectionState,
  ConversationSummary,
  Kittiwake,
  KittiwakeEvent,
  Message,
  Session,
} from "./contract.ts";
import type { Environment } from "./environment.ts";
import { HttpApi } from "./http-api.ts";
import { getValue, type Store } from "./store/store.ts";
import { Seat } from "./tabs/seat.ts";
import { type Method, type TabMessage, tabMessageSchema } from "./tabs/tab-messages.ts";
import type { TabChannel, Tabs } from "./tabs/tabs.ts";
import { messages } from "./views/messages.ts";
import { summaries, summary } from "./views/summaries.ts";

export interface KittiwakeMeans {
  url: string;
  store: Store;
  environment: Environment;
  tabs: Tabs;
}

export class KittiwakeClient implements Kittiwake {
  readonly #means: KittiwakeMeans & { api: HttpApi };
  readonly #channel: TabChannel;
  readonly #listeners = new Set<(event: KittiwakeEvent) => void>();
  readonly #shownState: ShownState;
  /** Chats on screen, with how many views show each. */
  readonly #screen = new Map<string, number>();
  #session: Session | null = null;
  #seat: Seat | null = null;

  constructor(means: KittiwakeMeans) {
    this.#means = { ...means, api: new HttpApi(means.url, means.environment) };
    this.#shownState = new ShownState(means.environment, (state) =>
      this.#emit({ type: "connection", state }),
    );
    this.#channel = means.tabs.join((message) => this.#hear(message));
  }

  get session(): Session | null {
    return this.#session;
  }
  get connection(): ConnectionState {
    return this.#shownState.shown;
  }

  subscribe(listener: (event: KittiwakeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes over the log-in that the store holds, or the lack of one. */
  async resume(): Promise<void> {
    const record = await getValue(this.#means.store, "session");
    this.#leaveSeat();
    if (record === null) {
      this.#session = null;
      this.#finishLogOut();
    } else {
      const { userId, deviceId, phone, name } = record;
      this.#session = { userId, deviceId, phone, name };
      this.#shownState.set({ status: "idle" });
      this.#takeSeat(userId);
    }
    this.#emit({ type: "session" });
    this.#emit({ type: "conversations" });
  }

  async requestCode(phone: string) {
    await finishLogOut(this.#means);
    return await requestCode(this.#means, phone);
  }

  async verify(request: { phone: string; code: string; deviceName: string; name: string }): Promise<Session> {
    await logIn(this.#means, request);
    await this.resume();
    this.#post({ type: "session" });
    return this.#signedIn();
  }

  async logOut(): Promise<void> {
    if (this.#seat === null) return;
    await this.#call("logOut");
  }
  async devices() {
    return (await this.#call("devices")) as Awaited<ReturnType<Kittiwake["devices"]>>;
  }
  async revokeDevice(deviceId: number): Promise<void> {
    await this.#call("revokeDevice", deviceId);
  }

  async conversations(): Promise<ConversationSummary[]> {
    return this.#session === null ? [] : await summaries(this.#means.store, this.#session.userId);
  }
  async conversation(conversationId: string): Promise<ConversationSummary | null> {
    return this.#session === null
      ? null
      : await summary(this.#means.store, conversationId, this.#session.userId);
  }
  async startChat(phone: string): Promise<string> {
    return (await this.#call("startChat", phone)) as string;
  }
  async messages(
    conversationId: string,
    {
      beforeSeq = null,
      limit = limits.localPageMessagesMax,
    }: { beforeSeq?: number | null; limit?: number } = {},
  ): Promise<Message[]> {
    if (this.#session === null) return [];
    return await messages(this.#means.store, { conversationId, beforeSeq, limit }, this.#session.userId);
  }

  async send(conversationId: string, text: string): Promise<Message> {
    const { environment } = this.#means;
    const { userId } = this.#signedIn();
    const nowMs = environment.now();
    const messageId = environment.newMessageId(nowMs);
    await this.#call("write", conversationId, messageId, text);
    const common = { conversationId, messageId, seq: null, isOwn: true, senderId: userId, sentAtMs: nowMs };
    return { ...common, body: { type: "text", text }, status: "pending", failure: null };
  }
  async retry(conversationId: string, messageId: string): Promise<void> {
    await this.#call("retry", conversationId, messageId);
  }
  async discard(conversationId: string, messageId: string): Promise<void> {
    await this.#call("discard", conversationId, messageId);
  }

  openChat(conversationId: string): () => void {
    this.#shows(conversationId, 1);
    let isOpen = true;
    return () => {
      if (isOpen) this.#shows(conversationId, -1);
      isOpen = false;
    };
  }
  async markRead(conversationId: string, seq: number): Promise<void> {
    await this.#call("markRead", conversationId, seq);
  }

  wake(): void {
    if (this.#seat === null) this.#finishLogOut();
    else this.#call("wake").catch(() => {});
  }
  async poll(waitMs: number): Promise<boolean> {
    return (await this.#call("poll", waitMs)) as boolean;
  }
  async close(): Promise<void> {
    this.#leaveSeat();
    this.#shownState.stop();
    this.#channel.close();
    this.#listeners.clear();
    await this.#means.store.close();
  }

  /** In the background; what does not work now is tried again the next time. */
  #finishLogOut(): void {
    finishLogOut(this.#means).catch(() => {});
  }

  #shows(conversationId: string, change: 1 | -1): void {
    const views = (this.#screen.get(conversationId) ?? 0) + change;
    if (views > 0) this.#screen.set(conversationId, views);
    else this.#screen.delete(conversationId);
    this.#seat?.show([...this.#screen.keys()]);
  }

  #takeSeat(userId: string): void {
    const { api, store, environment, tabs } = this.#means;
    const seat = new Seat({
      api,
      store,
      environment,
      tabs,
      userId,
      post: (message) => this.#post(message),
      emit: (event) => this.#emit(event),
      onConnection: (state) => this.#shownState.set(state),
      onSignedOut: (reason) => this.#signedOut(reason),
      logOut: () => this.#logOutHere(),
    });
    this.#seat = seat;
    seat.show([...this.#screen.keys()]);
    seat.take();
  }

  #leaveSeat(): void {
    const seat = this.#seat;
    this.#seat = null;
    seat?.leave();
  }

  /** In the leading tab. The local data is gone before the server is told. */
  async #logOutHere(): Promise<void> {
    const record = await getValue(this.#means.store, "session");
    this.#leaveSeat();
    if (record !== null) await forgetDevice(this.#means, record);
    this.#becomeSignedOut({ status: "signed_out" });
    await finishLogOut(this.#means);
  }

  /** A revoked device keeps nothing; a log-in that ran out keeps the data for when its user is back. */
  #signedOut(reason: SignedOutReason): void {
    const { store } = this.#means;
    this.#leaveSeat();
    const isRevoked = reason === "revoked";
    const gone = isRevoked ? store.wipe() : store.apply([{ table: "values", remove: ["session"] }]);
    const state: ConnectionState = isRevoked ? { status: "stopped", reason } : { status: "signed_out" };
    // A store that refuses still holds the log-in: the next start is told the same by the server, and wipes again.
    gone.catch(() => {}).finally(() => this.#becomeSignedOut(state));
  }

  #becomeSignedOut(state: ConnectionState): void {
    this.#session = null;
    this.#shownState.set(state);
    this.#emit({ type: "session" });
    this.#emit({ type: "conversations" });
    this.#post({ type: "session" });
  }

  #signedIn(): Session {
    if (this.#session === null) throw new ProtocolError("unauthorized");
    return this.#session;
  }

  async #call(method: Method, ...values: unknown[]): Promise<unknown> {
    if (this.#seat === null) throw new ProtocolError("unauthorized");
    return await this.#seat.call(method, values);
  }

  #hear(message: unknown): void {
    const parsed = tabMessageSchema.safeParse(message);
    if (!parsed.success) return;
    if (parsed.data.type === "session") this.#sessionChanged().catch(() => {});
    else this.#seat?.hear(parsed.data);
  }

  async #sessionChanged(): Promise<void> {
    const record = await getValue(this.#means.store, "session");
    const isSame = record?.userId === this.#session?.userId && record?.deviceId === this.#session?.deviceId;
    if (isSame) return;
    await this.resume();
    if (record === null) this.#shownState.set({ status: "signed_out" });
  }

  #post(message: TabMessage): void {
    this.#channel.post(message);
  }

  #emit(event: KittiwakeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
