/** A profile under its key, in the open: what is asked of it is only that key and user fit. */
import { base64, hex } from "@scure/base";

interface CheapProfile {
  key: string;
  userId: string;
  /** Base64. */
  content: string;
}

export function sealProfile(key: Uint8Array, userId: string, content: Uint8Array): Uint8Array {
  const profile: CheapProfile = { key: hex.encode(key), userId, content: base64.encode(content) };
  return new TextEncoder().encode(JSON.stringify(profile));
}

export function openProfile(key: Uint8Array, userId: string, sealed: Uint8Array): Uint8Array | null {
  const profile = JSON.parse(new TextDecoder().decode(sealed)) as CheapProfile;
  return profile.key === hex.encode(key) && profile.userId === userId ? base64.decode(profile.content) : null;
}
