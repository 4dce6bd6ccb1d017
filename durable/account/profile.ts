/** A user's name and picture, sealed under a key that travels inside conversations: the server keeps ciphertext. */
import { base64 } from "@scure/base";
import type { Refusal } from "../rpc.ts";

/** Null when it is stored. */
export function storeProfile(sql: SqlStorage, sealed: string): Refusal | null {
  let bytes: Uint8Array;
  try {
    bytes = base64.decode(sealed);
  } catch {
    return { code: "bad_frame", details: { where: "sealed: not base64" } };
  }
  sql.exec("INSERT OR REPLACE INTO profile (id, sealed) VALUES (1, ?)", bytes);
  return null;
}

/** Base64. */
export function profileOf(sql: SqlStorage): string | null {
  const row = sql.exec<{ sealed: ArrayBuffer }>("SELECT sealed FROM profile").toArray()[0];
  return row === undefined ? null : base64.encode(new Uint8Array(row.sealed));
}
