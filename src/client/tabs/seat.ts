/**
 * This tab's place among the tabs of its browser: it leads, or follows the one that does. What a user does goes to the
 * leader, wherever that is; when the leading tab goes, the next one takes over with the same store.
 */

import { limits } from "../../protocol/limits.ts";
import { SessionKeeper, type SignedOutReason } from "../auth/session-keeper.ts";
import { connectionStateOf } from "../connection/shown-state.ts";
import type { LinkState } from "../connection/state.ts";
import type { ConnectionState, KittiwakeEvent } from "../contract.ts";
import type { CryptoPort } from "../crypto/port.ts";
import type { Environment, Timer } from "../environment.ts";
import type { HttpApi } from "../http-api.ts";
import { runMethod } from "../leader/commands.ts";
import { Leader } from "../leader/leader.ts";
import { FencedStore } from "../store/fenced-store.ts";
import { getValue, putValue, type Store } from "../store/store.ts";
import { RemoteCalls } from "./remote-calls.ts";
import { Screens, screenRepeatMs } from "./screens.ts";
import { failureOf, type Method, type TabMessage } from "./tab-messages.ts";
import type { Tabs } from "./tabs.ts";

export interface SeatOptions {
  api: HttpApi;
  store: Store;
  environment: Environment;
  crypto: CryptoPort;
  tabs: Tabs;
  userId: string;
  post(message: TabMessage): void;
  emit(event: KittiwakeEvent): void;
  onConnection(state: ConnectionState): void;
  onSignedOut(reason: SignedOutReason): void;
  logOut(): Promise<void>;
}

export class Seat {
  readonly #options: SeatOptions;
  readonly #calls: RemoteCalls;
  readonly #tabId: string;
  #screens: Screens | null = null;
  #leader: Leader | null = null;
  #store: FencedStore | null = null;
  #chats: string[] = [];
  #screenTimer: Timer | null = null;
  #giveUpLead: () => void = () => {};
  #leadTimer: Timer | null = null;
  #hasLeft = false;

  constructor(options: SeatOptions) {
    const { environment, post } = options;
    this.#options = options;
    this.#calls = new RemoteCalls(environment, post);
    this.#tabId = environment.newMessageId(environment.now());
  }

  get isLeading(): boolean {
    return this.#leader !== null;
  }

  take(): void {
    this.#options.post({ type: "joined" });
    this.#giveUpLead = this.#options.tabs.lead(`kittiwake-${this.#options.userId}`, () => this.#tryToLead());
  }

  leave(): void {
    this.#hasLeft = true;
    if (this.#leadTimer !== null) this.#options.environment.clearTimer(this.#leadTimer);
    this.#stopRepeating();
    if (this.#leader === null) this.#options.post({ type: "screen", tab: this.#tabId, chats: [] });
    this.#screens?.stop();
    this.#leader?.stop();
    this.#leader = null;
    this.#store?.fence();
    this.#calls.endAll();
    this.#giveUpLead();
  }

  async call(method: Method, values: unknown[]): Promise<unknown> {
    if (this.#leader !== null) return await runMethod(this.#leader, method, values, false);
    return await this.#calls.call(method, values);
  }

  /** The chats on this tab's screen. */
  show(chats: readonly string[]): void {
    this.#chats = [...chats];
    this.#sayScreen();
  }

  /** From another tab. */
  hear(message: TabMessage): void {
    switch (message.type) {
      case "call":
        void this.#answer(message);
        return;
      case "answer":
        this.#calls.answered(message.id, message.value, message.failure);
        return;
      case "joined":
        if (this.#leader !== null) this.#announce();
        return;
      case "screen":
        this.#screens?.shows(message.tab, message.chats);
        return;
      case "leads":
        if (this.#leader !== null) return;
        this.#options.onConnection(following(message.state));
        this.#calls.repeat();
        this.#sayScreen();
        return;
      case "event":
        this.#hearEvent(message.event);
        return;
      case "session":
        return;
    }
  }

  #hearEvent(event: KittiwakeEvent): void {
    if (this.#leader !== null) return;
    if (event.type === "connection") this.#options.onConnection(following(event.state));
    else this.#options.emit(event);
  }

  async #answer({ id, method, values, isRepeat }: Extract<TabMessage, { type: "call" }>): Promise<void> {
    if (this.#leader === null) return;
    try {
      const value = await runMethod(this.#leader, method, values, isRepeat);
      this.#options.post({ type: "answer", id, value });
    } catch (error) {
      this.#options.post({ type: "answer", id, value: null, failure: failureOf(error) });
    }
  }

  /** A store that cannot be read now may be readable a moment later (another tab is migrating it). */
  #tryToLead(): void {
    this.#lead().catch(() => {
      if (this.#hasLeft) return;
      this.#leadTimer = this.#options.environment.setTimer(limits.backoffBaseMs, () => this.#tryToLead());
    });
  }

  async #lead(): Promise<void> {
    const { api, environment, crypto, onSignedOut } = this.#options;
    const store = new FencedStore(this.#options.store);
    this.#store = store;
    // The leader before may have refreshed the tokens, or logged out.
    const session = await getValue(store, "session");
    if (this.#hasLeft || session === null) return;
    const save = (renewed: typeof session) => store.apply([putValue("session", renewed)]);
    const keeper = new SessionKeeper({ api, environment, session, save, onSignedOut });
    const leader = new Leader({
      api,
      store,
      environment,
      crypto,
      keeper,
      emit: (event) => this.#publish(event),
      onLink: (link, isPolling) => this.#linkChanged(link, isPolling),
      logOut: this.#options.logOut,
    });
    this.#screens = new Screens(environment, (conversationId) => leader.openChat(conversationId));
    await leader.start();
    if (this.#hasLeft) return leader.stop();
    this.#leader = leader;
    this.#sayScreen();
    this.#announce();
    this.#calls.doHere((method, values) => runMethod(leader, method, values, true));
  }

  #publish(event: KittiwakeEvent): void {
    this.#options.emit(event);
    this.#options.post({ type: "event", event });
  }

  #linkChanged(link: LinkState, isPolling: boolean): void {
    if (this.#hasLeft) return;
    const isRevoked = link.status === "stopped" && link.reason === "revoked";
    if (isRevoked) return this.#options.onSignedOut("revoked");
    const state = connectionStateOf(link, isPolling);
    this.#options.onConnection(state);
    this.#options.post({ type: "event", event: { type: "connection", state } });
  }

  #announce(): void {
    if (this.#leader === null) return;
    this.#options.post({ type: "leads", state: connectionStateOf(this.#leader.link, false) });
  }

  #sayScreen(): void {
    this.#stopRepeating();
    if (this.#leader !== null) this.#screens?.shows(this.#tabId, this.#chats);
    else this.#options.post({ type: "screen", tab: this.#tabId, chats: this.#chats });
    // The leader too: what is not said again is taken for gone.
    if (this.#chats.length === 0) return;
    this.#screenTimer = this.#options.environment.setTimer(screenRepeatMs, () => this.#sayScreen());
  }

  #stopRepeating(): void {
    if (this.#screenTimer !== null) this.#options.environment.clearTimer(this.#screenTimer);
    this.#screenTimer = null;
  }
}

function following(state: ConnectionState): ConnectionState {
  switch (state.status) {
    case "connecting":
    case "resuming":
    case "live":
    case "waiting":
      return { status: "following", leader: state.status };
    case "stopped":
    case "signed_out":
      return state;
    default:
      return { status: "following", leader: "idle" };
  }
}
