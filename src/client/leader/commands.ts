/** What a user can do that the leading tab carries out, by name: the same calls come from this tab and from others. */
import { z } from "zod";
import type { Method } from "../tabs/tab-messages.ts";
import type { Leader } from "./leader.ts";

const id = z.string();

/** `isRepeat`: it may have been done before. */
export async function runMethod(
  leader: Leader,
  method: Method,
  values: unknown[],
  isRepeat: boolean,
): Promise<unknown> {
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
