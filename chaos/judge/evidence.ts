/** What the judge is given: what was asked for, what senders were told, and what is there in the end. Plain values. */

export interface Evidence {
  conversations: Conversation[];
  /** In the order they were given. */
  orders: Order[];
  told: Told[];
  /** Ids in frames that the proxy took out of the middle of a stream: [L7] rests on a transport that never does. */
  overtakable: ReadonlySet<string>;
}

export interface Conversation {
  id: string;
  /** As read by HTTP, page by page. */
  log: LogEntry[];
  /** One for each member. */
  copies: Copy[];
}

/** A message that a client was asked to write. Its text is unlike any other and stands for it everywhere. */
export interface Order {
  text: string;
  conversationId: string;
  senderId: string;
  /** Set when the sender's app has taken it: from here on only the log may end its stay in the outbox. */
  messageId: string | null;
}

/** The sender's app showed it as sent. */
export interface Told {
  text: string;
  messageId: string;
  seq: number;
}

export interface LogEntry {
  seq: number;
  messageId: string;
  senderId: string;
  sentAtMs: number;
  /** Null for what is no text message, like the founding. */
  text: string | null;
}

/** What one member's store holds of a conversation. */
export interface Copy {
  owner: string;
  entries: { seq: number; messageId: string }[];
  /** What the app shows, in the order it shows it; pending messages aside. */
  shown: Shown[];
}

export interface Shown {
  seq: number;
  messageId: string;
  senderId: string;
  text: string;
}
