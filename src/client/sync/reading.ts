/** What reading an entry starts from and gives back: values only, which the plan of a batch threads through (plan-entries.ts). */

import type { DeviceRef } from "../../protocol/ids.ts";
import type { Content } from "../content.ts";
import type { Message } from "../contract.ts";
import type { HeldGroup } from "../crypto/port.ts";
import type { MlsFailure } from "../mls/failures.ts";
import type { DocumentRecord, PendingCommitRecord } from "../store/key-records.ts";
import type { ConversationRecord } from "../store/records.ts";
import type { Change } from "../store/store.ts";

/** This device. */
export interface Self {
  userId: string;
  deviceId: number;
}

/** What changes from entry to entry. */
export interface Reading {
  record: ConversationRecord;
  group: HeldGroup | null;
  document: DocumentRecord | null;
  /** This device's own commit that is not in the log yet. */
  pending: PendingCommitRecord | null;
}

/** What is to be done once the entries are stored: everything that needs the network, or writes messages of its own. */
export type FollowUp =
  | { type: "profile_key"; userId: string; key: Uint8Array; phone: string }
  | { type: "state_wanted"; hash: string; asker: DeviceRef }
  | { type: "ask_for_state"; hash: string }
  | { type: "state_part"; content: Extract<Content, { type: "state_part" }>; sender: DeviceRef }
  | { type: "resend_wanted"; messageId: string; seq: number; asker: DeviceRef }
  | { type: "failed"; failure: MlsFailure; seq: number; messageId: string; sender: DeviceRef }
  /** [E14] Somebody is to be taken out. */
  | { type: "removal_due" }
  /** This device is in a roster or a generation without its key. */
  | { type: "join_due" };

export interface ReadEntry {
  reading: Reading;
  /** Null: nothing to show. */
  body: Message["body"] | null;
  /** [E20] Of a message that was opened. */
  k?: Uint8Array;
  changes: Change[];
  followUps: FollowUp[];
}

/** The entry cannot be read before this has been fetched. */
export type Need =
  | { type: "welcome"; seq: number }
  /** Whether the server says of these devices that they are gone: then anybody may take them out. */
  | { type: "gone_devices"; seq: number; devices: DeviceRef[] };

export function nothingRead(reading: Reading): ReadEntry {
  return { reading, body: null, changes: [], followUps: [] };
}
export function parked(reading: Reading, reason: string): ReadEntry {
  return { ...nothingRead(reading), body: { type: "parked", reason } };
}

export function isSelf(device: DeviceRef, self: Self): boolean {
  return device.user_id === self.userId && device.device_id === self.deviceId;
}
