/**
 * The tab that leads: it alone connects and writes the store. Puts the parts together and decides which path a message
 * takes: the chat's socket, else the inbox socket, else HTTP where sockets do not open.
 */
import { accountDevicesSchema } from "../../protocol/http.ts";
import type { SessionKeeper } from "../auth/session-keeper.ts";
import { ChatSockets } from "../connection/chat-sockets.ts";
import { Connection } from "../connection/connection.ts";
import { PollLoop } from "../connection/poll-loop.ts";
import type { LinkState } from "../connection/state.ts";
import type { Contact, Kittiwake, KittiwakeEvent, Profile } from "../contract.ts";
import type { CryptoPort } from "../crypto/port.ts";
import type { Environment } from "../environment.ts";
import { emptyAnswerSchema, type HttpApi } from "../http-api.ts";
import type { SendPath } from "../outbox/lane.ts";
import { Mender } from "../outbox/mender.ts";
import { Sender } from "../outbox/sender.ts";
import type { Store } from "../store/store.ts";
import { Acceptance } from "../sync/acceptance.ts";
import { Desk } from "../sync/desk.ts";
import { InboxStore } from "../sync/inbox-store.ts";
import { ReadMarks } from "../sync/read-marks.ts";
import { Receiver } from "../sync/receiver.ts";
import { type Encryption, makeEncryption } from "./encryption.ts";
import { FrameRouter } from "./frame-router.ts";
import { PositionClaims } from "./position-claims.ts";
import { findUser, startChat } from "./start-chat.ts";

/** Sockets that failed this often in a row, while HTTP works, are taken to be blocked. */
const failuresBeforePolling = 3;

export interface LeaderOptions {
  api: HttpApi;
  store: Store;
  environment: Environment;
  crypto: CryptoPort;
  keeper: SessionKeeper;
  emit(event: KittiwakeEvent): void;
  onLink(state: LinkState, isPolling: boolean): void;
  logOut(): Promise<void>;
}

type DeviceSummary = Awaited<ReturnType<Kittiwake["devices"]>>[number];

export class Leader {
  readonly #options: LeaderOptions;
  readonly #desk: Desk;
  readonly #encryption: Encryption;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #readMarks: ReadMarks;
  readonly #inboxStore: InboxStore;
  readonly #chats: ChatSockets;
  readonly #inbox: Connection;
  readonly #poll: PollLoop;
  readonly #claims: PositionClaims;
  #isPolling = false;

  constructor(options: LeaderOptions) {
    const { api, store, environment, crypto, keeper, emit } = options;
    this.#options = options;
    const desk = new Desk({
      environment,
      store,
      session: () => keeper.session,
      call: (request) => keeper.call(request),
      upload: (path, bytes) => keeper.upload(path, bytes),
      download: (path) => keeper.download(path),
      emit,
    });
    this.#desk = desk;
    desk.onIn = (conversationId) => this.#chats.renew(conversationId);
    this.#encryption = makeEncryption(desk, crypto, (id) => this.#receiver.retryLater(id));
    const { adopter, reader } = this.#encryption;
    this.#receiver = new Receiver(desk, reader, adopter, (conversationId, seq) =>
      this.#acknowledge(conversationId, seq),
    );
    this.#inboxStore = new InboxStore(desk, (conversationId) => this.#receiver.bringUp(conversationId));
    this.#readMarks = new ReadMarks(desk, (conversationId) => this.#connectionFor(conversationId));
    this.#claims = new PositionClaims(environment, (conversationId) => {
      // An open socket has said its hello already: it says it once more on a new one.
      this.#chats.get(conversationId)?.giveUp();
      return this.#chats.open(conversationId);
    });
    this.#sender = this.#makeSender();
    const router = this.#makeRouter();
    const common = {
      environment,
      accessToken: (refresh: boolean) => this.#accessToken(refresh),
      onFrame: router.route.bind(router),
    };
    this.#chats = new ChatSockets({
      ...common,
      url: (conversationId) => api.socketUrl(`/conversations/${conversationId}/socket`),
      conversation: (conversationId) => desk.conversation(conversationId),
      onState: () => this.#sender.pathsChanged(),
    });
    this.#inbox = new Connection({
      ...common,
      kind: "inbox",
      url: api.socketUrl("/inbox/socket"),
      hello: async () => ({ type: "hello", store_id: await this.#inboxStore.known() }),
      onState: (state) => this.#inboxChanged(state),
    });
    this.#poll = new PollLoop({
      desk,
      receiver: this.#receiver,
      readMarks: this.#readMarks,
      inboxStore: this.#inboxStore,
      onScreen: () => this.#chats.conversationIds(),
      onWorking: (isWorking) => this.#pollingChanged(isWorking),
    });
    reader.onDoubt = (conversationId) => void this.#claims.claim(conversationId);
  }

  get link(): LinkState {
    return this.#inbox.state;
  }

  async start(): Promise<void> {
    const { keys, outbox, profiles } = this.#encryption;
    await this.#desk.load();
    await outbox.load();
    // What a crash left between two steps is brought to its end.
    for (const pending of await this.#desk.store.all("pendingCommits"))
      this.#receiver.retryLater(pending.conversationId);
    for (const record of this.#desk.conversations())
      if (record.security === "repairing") this.#receiver.retryLater(record.conversationId);
    keys.fillSoon();
    profiles.start();
    this.#readMarks.start();
    this.#inbox.start();
  }

  stop(): void {
    const { followUps, keys, profiles } = this.#encryption;
    this.#poll.stop();
    this.#sender.stop();
    followUps.stop();
    keys.stop();
    profiles.stop();
    this.#receiver.stop();
    this.#readMarks.stop();
    this.#inboxStore.stop();
    this.#claims.stop();
    this.#chats.stop();
    this.#inbox.stop();
  }

  wake(): void {
    this.#inbox.wake();
    this.#chats.wake();
    this.#receiver.wake();
    this.#sender.wake();
  }

  openChat(conversationId: string): () => void {
    return this.#chats.open(conversationId);
  }
  async write(conversationId: string, messageId: string, text: string, isRepeat: boolean): Promise<void> {
    await this.#encryption.outbox.write(conversationId, messageId, text, isRepeat);
  }
  async retry(conversationId: string, messageId: string): Promise<void> {
    await this.#encryption.outbox.retry(conversationId, messageId);
  }
  async discard(conversationId: string, messageId: string): Promise<void> {
    await this.#encryption.outbox.discard(conversationId, messageId);
  }
  async markRead(conversationId: string, seq: number): Promise<void> {
    await this.#readMarks.markRead(conversationId, seq);
  }
  async startChat(phone: string): Promise<string> {
    return await startChat(this.#chatMeans(), phone);
  }
  async findUser(phone: string): Promise<Contact> {
    return await findUser(this.#chatMeans(), phone);
  }
  get members(): Encryption["members"] {
    return this.#encryption.members;
  }
  async setProfile(profile: Profile): Promise<void> {
    await this.#encryption.profiles.set(profile);
  }
  async devices(): Promise<DeviceSummary[]> {
    const request = { method: "GET", path: "/account/devices", answer: accountDevicesSchema } as const;
    const { devices } = await this.#desk.call(request);
    return devices.map(({ device_id, name, created_at, is_this }) => ({
      deviceId: device_id,
      name,
      createdAtMs: created_at,
      isThis: is_this,
    }));
  }
  async revokeDevice(deviceId: number): Promise<void> {
    const path = `/account/devices/${deviceId}`;
    await this.#desk.call({ method: "DELETE", path, answer: emptyAnswerSchema });
  }
  async logOut(): Promise<void> {
    await this.#options.logOut();
  }
  async poll(waitMs: number): Promise<boolean> {
    return await this.#poll.poll(waitMs);
  }

  #chatMeans() {
    const bringUp = (conversationId: string) => this.#receiver.bringUp(conversationId);
    return { desk: this.#desk, bringUp, ...this.#encryption };
  }

  #makeSender(): Sender {
    const desk = this.#desk;
    const { committer, outbox, reader, sealer, writer } = this.#encryption;
    const claimPosition = (conversationId: string) => this.#claims.claim(conversationId);
    return new Sender({
      desk,
      outbox,
      sealer,
      mender: new Mender({
        desk,
        outbox,
        reader,
        claimPosition,
        lookAgain: (id) => this.#receiver.retryLater(id),
        removeDue: (id) => committer.removeDue(id),
      }),
      acceptance: new Acceptance({
        desk,
        outbox,
        reader,
        writer,
        onGap: (conversationId) => this.#receiver.expect(conversationId),
      }),
      choosePath: (conversationId) => this.#choosePath(conversationId),
    });
  }

  #makeRouter(): FrameRouter {
    return new FrameRouter({
      desk: this.#desk,
      reader: this.#encryption.reader,
      receiver: this.#receiver,
      sender: this.#sender,
      readMarks: this.#readMarks,
      inboxStore: this.#inboxStore,
      onKeysLow: () => this.#encryption.keys.fillSoon(),
      onChatReady: (conversationId) => this.#claims.answered(conversationId),
      claimedLogId: (conversationId) => this.#chats.claimedLogId(conversationId),
    });
  }

  async #accessToken(refresh: boolean) {
    const { keeper } = this.#options;
    try {
      return { token: await keeper.accessToken(refresh ? keeper.session.accessToken : null) };
    } catch (error) {
      if (keeper.signedOut !== null) return { signedOut: keeper.signedOut };
      throw error;
    }
  }

  /** What came on either socket may still wait for it: an acknowledgement too many does no harm [D1]. */
  #acknowledge(conversationId: string, seq: number): void {
    const connections = [this.#inbox, this.#chats.get(conversationId)];
    for (const connection of connections) {
      if (connection?.canSend === true) {
        connection.send([{ type: "ack", conversation_id: conversationId, seq }]);
      }
    }
  }

  #connectionFor(conversationId: string): Connection | null {
    const chat = this.#chats.get(conversationId);
    if (chat?.state.status === "live") return chat;
    return this.#inbox.canSend ? this.#inbox : null;
  }

  #choosePath(conversationId: string): SendPath | null {
    const connection = this.#connectionFor(conversationId);
    if (connection !== null) return { type: "socket", connection, link: connection.link };
    return this.#isPolling ? { type: "http" } : null;
  }

  #inboxChanged(state: LinkState): void {
    if (state.status === "waiting" && state.attempt >= failuresBeforePolling) this.#poll.start();
    if (state.status === "resuming" || state.status === "idle" || state.status === "stopped")
      this.#poll.stop();
    if (state.status === "resuming") this.#receiver.wake();
    this.#options.onLink(state, this.#isPolling);
    this.#sender.pathsChanged();
  }

  #pollingChanged(isWorking: boolean): void {
    if (isWorking === this.#isPolling) return;
    this.#isPolling = isWorking;
    this.#options.onLink(this.#inbox.state, isWorking);
    this.#sender.pathsChanged();
  }
}
