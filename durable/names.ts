/** The only place that turns an identity into an object: which object answers for whom. */
import type { Bindings } from "../src/config.ts";
import type { Account } from "./account/account.ts";
import type { Conversation } from "./conversation/conversation.ts";
import type { Inbox } from "./inbox/inbox.ts";

export function conversationStub(env: Bindings, conversationId: string): DurableObjectStub<Conversation> {
  return env.CONVERSATION.getByName(conversationId);
}

export function inboxStub(env: Bindings, userId: string): DurableObjectStub<Inbox> {
  return env.INBOX.getByName(userId);
}

export function accountStub(env: Bindings, userId: string): DurableObjectStub<Account> {
  return env.ACCOUNT.getByName(userId);
}

// The Directory of a phone number is reached through itty-durable: durable/directory/directory-stub.ts.
