/**
 * The only way to a Directory: through itty-durable's proxy, which carries a call in a GET's headers. So arguments are
 * small ASCII JSON, and names are base64url: itty takes 64 hex digits for an object's id and not for a name.
 */
import { proxyDurable } from "itty-durable/proxy-durable.js";
import type { Bindings } from "../../src/config.ts";
import type { Directory } from "./directory.ts";

export type DirectoryStub = Pick<Directory, "startCode" | "verifyCode" | "confirmCode" | "lookUp">;

/** `phoneHash`: the keyed hash of an E.164 number (src/edge/directory-of.ts). */
export function directoryStub(env: Bindings, phoneHash: string): DirectoryStub {
  const proxy: DirectoryStub = proxyDurable(env.DIRECTORY, { name: "DIRECTORY", parse: true }).get(phoneHash);
  // Not the proxy itself: it answers to every name, so whoever awaits it calls a method `then` of the object.
  return {
    startCode: (codeHash) => proxy.startCode(codeHash),
    verifyCode: (call) => proxy.verifyCode(call),
    confirmCode: (call) => proxy.confirmCode(call),
    lookUp: () => proxy.lookUp(),
  };
}
