/** What the run and its clients say to each other, over Node's channel between processes. */

export interface ClientSettings {
  url: string;
  storePath: string;
  phone: string;
  name: string;
}

export type ToClient =
  | { type: "start_chat"; phone: string }
  /** Says what became of these texts, ordered before the client was killed. */
  | { type: "find"; conversationId: string; texts: string[] }
  | { type: "write"; conversationId: string; texts: string[] }
  /** Has the chat on screen, or not any more. */
  | { type: "show"; conversationId: string; isShown: boolean };

export type FromClient =
  | { type: "ready"; userId: string }
  | { type: "chat"; conversationId: string }
  /** The SDK has taken it. */
  | { type: "written"; text: string; messageId: string }
  /** The SDK shows it as sent; `isFound`: it did so already when the client came back. */
  | { type: "acked"; text: string; messageId: string; seq: number; isFound: boolean }
  /** The store does not know it. */
  | { type: "absent"; text: string }
  /** The SDK gave it up. */
  | { type: "failed"; text: string; failure: string | null };
