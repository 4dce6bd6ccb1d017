/** From a phone number to its Directory. The name is a keyed hash: the number itself is stored nowhere. */
import { type DirectoryStub, directoryStub } from "../../durable/directory/directory-stub.ts";
import { readConfig } from "../config.ts";
import type { EdgeContext } from "./context.ts";
import { keyedHash, serverKey } from "./keys.ts";

/** `phone` is normalised (phone.ts). */
export async function directoryOf(c: EdgeContext, phone: string): Promise<DirectoryStub> {
  const key = await serverKey(readConfig(c.env).SERVER_SECRET, "phone");
  return directoryStub(c.env, await keyedHash(key, phone));
}
