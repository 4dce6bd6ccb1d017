/** A group inside workerd, without the Worker in front: its owner, its members, and what their devices hold. */
import { env } from "cloudflare:workers";
import type { SubmitOutcome } from "../../../durable/rpc.ts";
import type { ConversationState } from "../../../src/protocol/entry.ts";
import type { DeviceRef } from "../../../src/protocol/ids.ts";
import { type ChangeOfRoster, MlsChat } from "../mls-client.ts";
import { commitTo, type DirectChat, newUserId } from "./direct-chat.ts";
import { eventually, heldSeqs } from "./faults.ts";

export interface GroupChat extends DirectChat {
  owner: DeviceRef;
  members: DeviceRef[];
}

/** One device each; the first founds. Entry 1 is the founding commit, epoch is 1. `alice` is the owner, `bob` the next. */
export async function foundGroup(size = 4): Promise<GroupChat> {
  const all = Array.from({ length: size }, () => ({ user_id: newUserId(), device_id: 1 }));
  const [owner, bob] = all;
  if (owner === undefined || bob === undefined) throw new Error("a group here has two members at least");
  const mls = await MlsChat.group(owner);
  const { id } = mls;
  const chat: GroupChat = {
    id,
    alice: owner,
    bob,
    owner,
    members: all.slice(1),
    mls,
    conversation: () => env.CONVERSATION.getByName(id),
    inbox: (user) => env.INBOX.getByName(user.user_id),
  };
  for (const device of all) await chat.inbox(device).addDevice(1);
  const founding = await chat.mls.founding(all);
  const outcome = await chat.conversation().found({ author: owner, ...founding.request });
  if (!("state" in outcome) || "refused" in outcome) throw new Error(JSON.stringify(outcome));
  chat.mls.founded(founding);
  // The founding entry is on its way to all but its author: tests start when it has arrived.
  for (const device of chat.members)
    await eventually(async () => (await heldSeqs(chat, device)).includes(1), "the founding");
  return chat;
}

export async function newMember(chat: GroupChat): Promise<DeviceRef> {
  const device = { user_id: newUserId(), device_id: 1 };
  await chat.inbox(device).addDevice(1);
  return device;
}

export function member(chat: GroupChat, index: number): DeviceRef {
  const found = chat.members[index];
  if (found === undefined) throw new Error(`there is no member ${index}`);
  return found;
}

export async function mustCommit(
  chat: GroupChat,
  author: DeviceRef,
  change: ChangeOfRoster = {},
): Promise<number> {
  return seqOf(await commitTo(chat, author, change));
}

export function seqOf(outcome: SubmitOutcome | undefined): number {
  if (outcome === undefined || "refused" in outcome) throw new Error(JSON.stringify(outcome));
  return outcome.accepted.seq;
}

export function codeOf(outcome: object | undefined): string | undefined {
  return (outcome as { refused?: { code: string } } | undefined)?.refused?.code;
}

export async function stateFor(chat: GroupChat, device: DeviceRef): Promise<ConversationState> {
  const state = await chat.conversation().state(device);
  if (state === null) throw new Error("there is no state for this device");
  return state;
}

/** As the server has them, by user. */
export async function rolesOf(chat: GroupChat): Promise<Record<string, string>> {
  const { members } = await stateFor(chat, chat.owner);
  return Object.fromEntries(members.map(({ user_id, role }) => [user_id, role]));
}
