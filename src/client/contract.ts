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

/** Something that happened to the conversation; `who` are display names, the actor's is the message's `senderName`. */
export type Notice =
  | { type: "founded" | "device_joined" | "log_replaced" | "founded_again" | "renamed" | "picture_changed" }
  | { type: "members_added" | "members_removed"; who: string[] }
  | { type: "left" }
  | { type: "role_changed"; who: string[]; role: Role }
  /** [E9] The encryption of this chat was mended: what came between may be missing. */
  | { type: "repaired" }
  /** [E12] This device came in without an anchor: compare with another device before trusting the history. */
  | { type: "unconfirmed" };

export type Role = "owner" | "admin" | "member";

export interface Message {
  conversationId: string;
  messageId: string;
  /** Null while the message is only in the outbox. */
  seq: number | null;
  isOwn: boolean;
  senderId: string;
  /** As this device knows the sender: profile name, else number, else a short form of the id. */
  senderName: string;
  /** The Conversation's time; for a pending message, the local time of writing. Milliseconds since 1970. */
  sentAtMs: number;
  /** `notice`: something that happened to the conversation. `parked`: could not be processed, kept and shown [D8]. */
  body:
    | { type: "text"; text: string }
    | { type: "notice"; notice: Notice }
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
  /** Image bytes (JPEG or PNG) of the peer or the group; null where there is none, or it is not known yet. */
  picture: Uint8Array | null;
  /** False once this user left a group or was removed: history stays, nothing can be sent. */
  isMember: boolean;
  /** [E13] [E9] `fork`: sending has stopped, this device and another were shown different logs. `repairing`: coming back. */
  security: "ok" | "repairing" | "fork";
  /** [E7] A stranger started this chat: it makes no noise until this user answers. */
  isRequest: boolean;
  peerId: string | null;
  peerPhone: string | null;
  lastMessage: Message | null;
  /** [D6] Computed: entries after `read_seq` that are neither silent nor one's own. */
  unread: number;
  lastActivityMs: number;
}

export interface Contact {
  userId: string;
  phone: string;
  /** From the user's profile, once it is known. */
  name: string | null;
}

export interface GroupMember {
  userId: string;
  name: string;
  phone: string | null;
  picture: Uint8Array | null;
  role: Role;
  isSelf: boolean;
}

export interface Group {
  conversationId: string;
  name: string;
  picture: Uint8Array | null;
  ownRole: Role | null;
  /** Owner first, then admins, then by name. */
  members: GroupMember[];
}

export interface Profile {
  name: string;
  /** JPEG or PNG of at most 64 KiB. */
  picture: Uint8Array | null;
}

/** What changed; the app reads again what it shows. */
export type KittiwakeEvent =
  | { type: "session" }
  | { type: "connection"; state: ConnectionState }
  | { type: "conversations" }
  | { type: "profile" }
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
  /** Who has this number; rejects with `unknown_user`. */
  findUser(phone: string): Promise<Contact>;
  /** People this device knows from its chats, by name. */
  contacts(): Promise<Contact[]>;
  /** Founds a group with this user as owner; returns its id. At most 64 devices at once; more are added after. */
  createGroup(request: { name: string; picture: Uint8Array | null; userIds: string[] }): Promise<string>;
  group(conversationId: string): Promise<Group | null>;
  addMembers(conversationId: string, userIds: string[]): Promise<void>;
  removeMember(conversationId: string, userId: string): Promise<void>;
  /** `owner` hands the group over; this user then is an admin. */
  setRole(conversationId: string, userId: string, role: Role): Promise<void>;
  renameGroup(conversationId: string, name: string): Promise<void>;
  setGroupPicture(conversationId: string, picture: Uint8Array | null): Promise<void>;
  /** An owner must have handed over first, unless nobody else is in it. */
  leaveGroup(conversationId: string): Promise<void>;

  profile(): Promise<Profile>;
  setProfile(profile: Profile): Promise<void>;

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

  /** [E9] How often each failure of the encryption came on this device, by its code. */
  diagnostics(): Promise<Record<string, number>>;

  /** The browser says the network is back, or the app came to the front: try now. */
  wake(): void;
  /** One HTTP receive for a woken service worker or a network that blocks sockets; true when nothing more is stored. */
  poll(waitMs: number): Promise<boolean>;
  close(): Promise<void>;
}
