/** What a user can do that the leading tab carries out, by name: the same calls come from this tab and from others. */
import { z } from "zod";
import type { Method } from "../tabs/tab-messages.ts";
import type { Leader } from "./leader.ts";

const id = z.string();
const picture = z.instanceof(Uint8Array).nullable();
const role = z.enum(["owner", "admin", "member"]);
const newGroup = z.object({ name: z.string(), picture, userIds: z.array(id) });

/** `isRepeat`: it may have been done before. */
export async function runMethod(
  leader: Leader,
  method: Method,
  values: unknown[],
  isRepeat: boolean,
): Promise<unknown> {
  if (isGroupMethod(method)) return await runGroupMethod(leader.members, method, values);
  switch (method) {
    case "write":
      return await leader.write(...z.tuple([id, id, z.string()]).parse(values), isRepeat);
    case "retry":
      return await leader.retry(...z.tuple([id, id]).parse(values));
    case "discard":
      return await leader.discard(...z.tuple([id, id]).parse(values));
    case "markRead":
      return await leader.markRead(...z.tuple([id, z.int()]).parse(values));
    case "startChat":
      return await leader.startChat(...z.tuple([z.string()]).parse(values));
    case "findUser":
      return await leader.findUser(...z.tuple([z.string()]).parse(values));
    case "setProfile":
      return await leader.setProfile(...z.tuple([z.object({ name: z.string(), picture })]).parse(values));
    case "devices":
      return await leader.devices();
    case "revokeDevice":
      return await leader.revokeDevice(...z.tuple([z.int()]).parse(values));
    case "logOut":
      return await leader.logOut();
    case "wake":
      return leader.wake();
    case "poll":
      return await leader.poll(...z.tuple([z.number()]).parse(values));
  }
}

const groupMethods = [
  "createGroup",
  "addMembers",
  "removeMember",
  "setRole",
  "renameGroup",
  "setGroupPicture",
  "leaveGroup",
] as const satisfies Method[];
type GroupMethod = (typeof groupMethods)[number];

function isGroupMethod(method: Method): method is GroupMethod {
  return (groupMethods as readonly Method[]).includes(method);
}

async function runGroupMethod(
  members: Leader["members"],
  method: GroupMethod,
  values: unknown[],
): Promise<unknown> {
  switch (method) {
    case "createGroup":
      return await members.create(...z.tuple([id, newGroup]).parse(values));
    case "addMembers":
      return await members.add(...z.tuple([id, z.array(id)]).parse(values));
    case "removeMember":
      return await members.remove(...z.tuple([id, id]).parse(values));
    case "setRole":
      return await members.setRole(...z.tuple([id, id, role]).parse(values));
    case "renameGroup":
      return await members.rename(...z.tuple([id, z.string()]).parse(values));
    case "setGroupPicture":
      return await members.setPicture(...z.tuple([id, picture]).parse(values));
    case "leaveGroup":
      return await members.leave(...z.tuple([id]).parse(values));
  }
}
