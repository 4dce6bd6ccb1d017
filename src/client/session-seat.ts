/**
 * Who is logged in here, and this tab's place among the tabs (tabs/seat.ts): taken at log-in, left at log-out, and shared
 * with the other tabs. Also the listeners, since every change of state goes through here.
 */
import { ProtocolError } from "../protocol/errors.ts";
import { finishLogOut, forgetDevice, logIn } from "./auth/login.ts";
import type { SignedOutReason } from "./auth/session-keeper.ts";
import { ShownState } from "./connection/shown-state.ts";
import type { ConnectionState, KittiwakeEvent, Session } from "./contract.ts";
import type { CryptoPort } from "./crypto/port.ts";
import type { Environment } from "./environment.ts";
import { HttpApi } from "./http-api.ts";
import { getValue, type Store } from "./store/store.ts";
import { Seat } from "./tabs/seat.ts";
import { type Method, type TabMessage, tabMessageSchema } from "./tabs/tab-messages.ts";
import type { TabChannel, Tabs } from "./tabs/tabs.ts";

export interface KittiwakeMeans {
  url: string;
  store: Store;
  environment: Environment;
  crypto: CryptoPort;
  tabs: Tabs;
}

export class SessionSeat {
  readonly means: KittiwakeMeans & { api: HttpApi };
  readonly #channel: TabChannel;
  readonly #listeners = new Set<(event: KittiwakeEvent) => void>();
  readonly #shownState: ShownState;
  /** Chats on screen, with how many views show each. */
  readonly #screen = new Map<string, number>();
  #session: Session | null = null;
  #seat: Seat | null = null;

  constructor(means: KittiwakeMeans) {
    this.means = { ...means, api: new HttpApi(means.url, means.environment) };
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
    const record = await getValue(this.means.store, "session");
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

  async verify(request: { phone: string; code: string; deviceName: string; name: string }): Promise<Session> {
    await logIn(this.means, request);
    await this.resume();
    this.#post({ type: "session" });
    return this.signedIn();
  }

  async logOut(): Promise<void> {
    if (this.#seat === null) return;
    await this.call("logOut");
  }

  async call(method: Method, ...values: unknown[]): Promise<unknown> {
    if (this.#seat === null) throw new ProtocolError("unauthorized");
    return await this.#seat.call(method, values);
  }

  signedIn(): Session {
    if (this.#session === null) throw new ProtocolError("unauthorized");
    return this.#session;
  }

  shows(conversationId: string, change: 1 | -1): void {
    const views = (this.#screen.get(conversationId) ?? 0) + change;
    if (views > 0) this.#screen.set(conversationId, views);
    else this.#screen.delete(conversationId);
    this.#seat?.show([...this.#screen.keys()]);
  }

  wake(): void {
    if (this.#seat === null) this.#finishLogOut();
    else this.call("wake").catch(() => {});
  }

  async close(): Promise<void> {
    this.#leaveSeat();
    this.#shownState.stop();
    this.#channel.close();
    this.#listeners.clear();
    this.means.crypto.close();
    await this.means.store.close();
  }

  /** In the background; what does not work now is tried again the next time. */
  #finishLogOut(): void {
    finishLogOut(this.means).catch(() => {});
  }

  #takeSeat(userId: string): void {
    const { api, store, environment, crypto, tabs } = this.means;
    const seat = new Seat({
      api,
      store,
      environment,
      crypto,
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
    const record = await getValue(this.means.store, "session");
    this.#leaveSeat();
    if (record !== null) await forgetDevice(this.means, record);
    this.#becomeSignedOut({ status: "signed_out" });
    await finishLogOut(this.means);
  }

  /** A revoked device keeps nothing; a log-in that ran out keeps the data for when its user is back. */
  #signedOut(reason: SignedOutReason): void {
    const { store } = this.means;
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

  #hear(message: unknown): void {
    const parsed = tabMessageSchema.safeParse(message);
    if (!parsed.success) return;
    if (parsed.data.type === "session") this.#sessionChanged().catch(() => {});
    else this.#seat?.hear(parsed.data);
  }

  async #sessionChanged(): Promise<void> {
    const record = await getValue(this.means.store, "session");
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
