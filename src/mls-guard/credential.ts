/**
 * [E5] What a leaf says about itself: user, device, the user's account key A and A's signature over user, device and
 * leaf key. The codec only, one fixed length; whether the signature holds is src/client/mls/identity.ts's to say.
 */
import { base64urlnopad } from "@scure/base";
import { type DeviceRef, deviceIdSchema } from "../protocol/ids.ts";
import { Reader } from "./reader.ts";
import { refuse } from "./refusal.ts";

const version = 1;
export const credentialBytes = 1 + 16 + 4 + 32 + 64;

export interface Credential {
  device: DeviceRef;
  /** Ed25519. */
  accountKey: Uint8Array;
  certificate: Uint8Array;
}

export function encodeCredential({ device, accountKey, certificate }: Credential): Uint8Array {
  const bytes = new Uint8Array(credentialBytes);
  bytes[0] = version;
  bytes.set(userIdBytes(device.user_id), 1);
  new DataView(bytes.buffer).setUint32(17, device.device_id);
  bytes.set(accountKey, 21);
  bytes.set(certificate, 53);
  return bytes;
}

export function readCredential(bytes: Uint8Array): Credential {
  if (bytes.length !== credentialBytes) refuse("leaf_policy");
  const reader = new Reader(bytes);
  if (reader.uint8() !== version) refuse("leaf_policy");
  const user_id = base64urlnopad.encode(reader.bytes(16));
  const device_id = reader.uint32();
  if (!deviceIdSchema.safeParse(device_id).success) refuse("leaf_policy");
  return { device: { user_id, device_id }, accountKey: reader.bytes(32), certificate: reader.bytes(64) };
}

export function userIdBytes(userId: string): Uint8Array {
  return base64urlnopad.decode(userId);
}
