/** What a refresh token stands for: one login (family), and how often its token has been renewed (generation). */
import { base64urlnopad } from "@scure/base";

export interface RefreshGrant {
  family: string;
  generation: number;
}

/** 16 random bytes in base64url. */
export function newFamily(): string {
  return base64urlnopad.encode(crypto.getRandomValues(new Uint8Array(16)));
}
