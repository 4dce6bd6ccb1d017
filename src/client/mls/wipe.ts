/** Overwrites used-up secrets. Best effort: a JavaScript engine may hold copies, the store's old pages do. */
import { zeroOutUint8Array } from "ts-mls";

/** Only after the transaction with the new state: the old state shares these bytes and is useless from here on. */
export function wipe(spent: readonly Uint8Array[]): void {
  for (const secret of spent) zeroOutUint8Array(secret);
}
