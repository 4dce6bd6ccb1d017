/**
 * [E5] A device's leaf key and its credential. The certificate is a real signature of an account key over user, device
 * and leaf key; until account keys, managers and device lists are built, that key is one the device makes
 * for itself, so it proves nothing about the user yet: `Judge` is where pins and lists will be asked.
 */
import { uint32 } from "../../mls-guard/bytes.ts";
import {
  type Credential,
  encodeCredential,
  readCredential,
  userIdBytes,
} from "../../mls-guard/credential.ts";
import type { LeafView } from "../../mls-guard/leaf.ts";
import type { DeviceRef } from "../../protocol/ids.ts";
import { makeSignatureKeyPair, type SignatureKeyPair, sign, verify } from "./signed.ts";

/** This device as a member of groups: one leaf key for all of them. */
export interface Device {
  ref: DeviceRef;
  leafKey: SignatureKeyPair;
  /** As it stands in every leaf of this device. */
  credential: Uint8Array;
}

export function makeAccountKey(): SignatureKeyPair {
  return makeSignatureKeyPair();
}

export async function makeDevice(ref: DeviceRef, accountKey: SignatureKeyPair): Promise<Device> {
  const leafKey = makeSignatureKeyPair();
  const certificate = await sign(accountKey.privateKey, "device", ...certified(ref, leafKey.publicKey));
  const credential = encodeCredential({ device: ref, accountKey: accountKey.publicKey, certificate });
  return { ref, leafKey, credential };
}

/** Whether A signed this leaf key for this user and device. Who owns A is not said by this. */
export async function holdsCertificate(credential: Uint8Array, leafKey: Uint8Array): Promise<boolean> {
  const { device, accountKey, certificate } = readCredential(credential);
  return await verify(accountKey, certificate, "device", ...certified(device, leafKey));
}

function certified(device: DeviceRef, leafKey: Uint8Array): Uint8Array[] {
  return [userIdBytes(device.user_id), uint32(device.device_id), leafKey];
}

export interface LeafIdentity extends Pick<Credential, "accountKey" | "device"> {
  leafKey: Uint8Array;
}

export function identityOf({ credential, signatureKey }: LeafView): LeafIdentity {
  return { device: credential.device, accountKey: credential.accountKey, leafKey: signatureKey };
}

export interface CommitChange {
  committer: DeviceRef;
  added: DeviceRef[];
  removed: DeviceRef[];
  /** The committer comes in by this commit. */
  isJoin: boolean;
}

/** [E4] What members know and the MLS group does not: pins, device lists, roster, roles. */
export interface Judge {
  /** Pinned A, listed device, rostered user. Asked of every leaf that comes into sight. */
  acceptsLeaf(identity: LeafIdentity): boolean;
  allowsCommit(change: CommitChange): boolean;
}
