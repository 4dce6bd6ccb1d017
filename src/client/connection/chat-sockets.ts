/** The sockets of the chats on screen: one per chat, however many screens show it, gone when the last one closes. */
import type { ConversationRecord } from "../store/records.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import type { Up } from "./frames.ts";

export interface ChatSocketsOptions
  extends Pick<ConnectionOptions, "environment" | "accessToken" | "onFrame" | "onState"> {
  url(conversationId: string): string;
  conversation(conversationId: string): ConversationRecord | null;
}

interface OpenChat {
  connection: Connection;
  /** The log of the position in the last hello: what a `resync` in the answer is about [L5]. */
  claimedLogId: string | null;
  users: number;
}

export class ChatSockets {
  readonly #options: ChatSocketsOptions;
  readonly #chats = new Map<string, OpenChat>();
  constructor(options: ChatSocketsOptions) {
    this.#options = options;
  }

  get(conversationId: string): Connection | null {
    return this.#chats.get(conversationId)?.connection ?? null;
  }

  conversationIds(): string[] {
    return [...this.#chats.keys()];
  }

  claimedLogId(conversationId: string): string | null {
    return this.#chats.get(conversationId)?.claimedLogId ?? null;
  }

  /** Returns what closes it; calling that twice does no harm. */
  open(conversationId: string): () => void {
    const chat = this.#chats.get(conversationId) ?? this.#connect(conversationId);
    chat.users += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      chat.users -= 1;
      if (chat.users > 0) return;
      this.#chats.delete(conversationId);
      chat.connection.stop();
    };
  }

  /** The server had closed it for good, because this device was not in; now it would be let in. */
  renew(conversationId: string): void {
    const chat = this.#chats.get(conversationId);
    if (chat?.connection.state.status !== "stopped") return;
    chat.connection = this.#makeConnection(chat, conversationId);
    chat.connection.start();
  }

  wake(): void {
    for (const { connection } of this.#chats.values()) connection.wake();
  }

  stop(): void {
    const chats = [...this.#chats.values()];
    this.#chats.clear();
    for (const { connection } of chats) connection.stop();
  }

  #connect(conversationId: string): OpenChat {
    const chat: Omit<OpenChat, "connection"> = { claimedLogId: null, users: 0 };
    const open: OpenChat = Object.assign(chat, { connection: this.#makeConnection(chat, conversationId) });
    this.#chats.set(conversationId, open);
    open.connection.start();
    return open;
  }

  #makeConnection(chat: Pick<OpenChat, "claimedLogId">, conversationId: string): Connection {
    const { environment, accessToken, onFrame, onState, url, conversation } = this.#options;
    const hello = async (): Promise<Up> => {
      const position = conversation(conversationId)?.proven ?? null;
      chat.claimedLogId = position?.log_id ?? null;
      return { type: "hello", conversation_id: conversationId, position };
    };
    return new Connection({
      kind: "chat",
      environment,
      url: url(conversationId),
      accessToken,
      onFrame,
      onState,
      hello,
    });
  }
}
