/** User ids say nothing: 16 random bytes in base64url. */
import { base64urlnopad } from "@scure/base";

export function newUserId(): string {
  return base64urlnopad.encode(crypto.getRandomValues(new Uint8Array(16)));
}
