/**
 * The public interface of the client SDK: what an app may hold, call and listen to.
 * The local store is the truth an app shows; the network only changes the store. Every method that a user can
 * trigger rejects with a `ProtocolError` or a `ConnectionError`, whose message says what to do next.
 */

/** Where the device stands towards the server. A discriminated union: the transition table is in connection/state.ts. */
export type ConnectionState =
  | { status: "signed_out" }
  | { status: "idle" }
  | { status: "connecting"; attempt: number }
  | { status: "resuming" }
  | { status: "live" }
  | { status: "waiting"; attempt: number; retryAtMs: number }
  /** This tab follows another tab of the same browser, which holds the connection; `leader` is that tab's state. */
  | { status: "following"; leader: "connecting" | "resuming" | "live" | "waiting" | "idle" }
  | { status: "stopped"; reason: "revoked" | "replaced" | "unsupported_version" };

export interface Session {
  userId: string;
  deviceId: number;
  /** E.164. */
  phone: string;
  /** Name the user gave, shown to people they write to. */
  name: string;
}

/** What the sender's own message has reached: clock, one tick, two ticks, two blue ticks; or it needs the user. */
export type MessageStatus = "pending" | "sent" | "delivered" | "read" | "failed";

export interface Message {
  conversationId: string;
  messageId: string;
  /** Null while the message is only in the outbox. */
  seq: number | null;
  isOwn: boolean;
  senderId: string;
  /** The Conversation's time; for a pending message, the local time of writing. Milliseconds since 1970. */
  sentAtMs: number;
  /** `notice`: something that happened to the conversation. `parked`: could not be processed, kept and shown [D8]. */
  body:
    | { type: "text"; text: string }
    | { type: "notice"; notice: "founded" | "device_joined" | "log_replaced" }
    | { type: "parked"; reason: string };
  /** Null for others' messages. */
  status: MessageStatus | null;
  /** Set with status `failed`: an error code's sentence. The user may retry or discard. */
  failure: string | null;
}

export interface ConversationSummary {
  conversationId: string;
  kind: "direct" | "group";
  /** The other side's name or phone number as this device knows it. */
  title: string;
  peerId: string | null;
  peerPhone: string | null;
  lastMessage: Message | null;
  /** [D6] Computed: entries after `read_seq` that are neither silent nor one's own. */
  unread: number;
  lastActivityMs: number;
}

/** What changed; the app reads again what it shows. */
export type KittiwakeEvent =
  | { type: "session" }
  | { type: "connection"; state: ConnectionState }
  | { type: "conversations" }
  | { type: "messages"; conversationId: string };

export interface Kittiwake {
  readonly session: Session | null;
  readonly connection: ConnectionState;
  subscribe(listener: (event: KittiwakeEvent) => void): () => void;

  /** Asks for a one-time code. In local development the answer carries it. */
  requestCode(phone: string): Promise<{ expiresInSeconds: number; developmentCode: string | null }>;
  verify(request: { phone: string; code: string; deviceName: string; name: string }): Promise<Session>;
  /** Revokes this device and wipes its store; works without a network too (the store goes first the next time). */
  logOut(): Promise<void>;
  devices(): Promise<{ deviceId: number; name: string; createdAtMs: number; isThis: boolean }[]>;
  revokeDevice(deviceId: number): Promise<void>;

  conversations(): Promise<ConversationSummary[]>;
  conversation(conversationId: string): Promise<ConversationSummary | null>;
  /** Finds the number's user, founds the direct chat or takes the existing one; returns its id. */
  startChat(phone: string): Promise<string>;
  /** Messages before `beforeSeq` (null: the newest, pending ones included), oldest first. */
  messages(
    conversationId: string,
    options?: { beforeSeq?: number | null; limit?: number },
  ): Promise<Message[]>;

  /** Stores the message in the outbox and returns it at once with status `pending`. */
  send(conversationId: string, text: string): Promise<Message>;
  retry(conversationId: string, messageId: string): Promise<void>;
  discard(conversationId: string, messageId: string): Promise<void>;

  /** The chat is on screen: opens its socket, which carries sends, entries and receipts directly. Returns `close`. */
  openChat(conversationId: string): () => void;
  /** The user has seen everything up to `seq`. */
  markRead(conversationId: string, seq: number): Promise<void>;

  /** The browser says the network is back, or the app came to the front: try now. */
  wake(): void;
  /** One HTTP receive for a woken service worker or a network that blocks sockets; true when nothing more is stored. */
  poll(waitMs: number): Promise<boolean>;
  close(): Promise<void>;
}
