/** The Conversation's packed row of cursors [F4], read as the checker needs it. */
import { deviceKey } from "../../src/protocol/ids.ts";
import type { DeviceReach } from "./delivered.ts";
import type { History } from "./history.ts";

export interface DeviceCursor {
  key: string;
  userId: string;
  deviceId: number;
  acked: number;
  placed: number;
  /** The first entry it is owed, and the last. */
  from: number;
  end: number;
}
export interface MemberMarks {
  userId: string;
  read: number;
  delivered: number;
  isListed: boolean;
  /** What its devices have acknowledged, those that are gone included. */
  reaches: DeviceReach[];
}
export interface ProgressRow {
  devices: DeviceCursor[];
  members: MemberMarks[];
}

type Packed = Record<
  string,
  [read: number, listed: 0 | 1, devices: Record<string, [number, number]>, delivered?: number]
>;

/** Devices that are gone are left out: nothing is owed to them. */
export function readProgress(history: History): ProgressRow {
  const [row] = history.object.storage.rows("SELECT packed FROM progress");
  const packed = row === undefined ? {} : (JSON.parse(String(row.packed)) as Packed);
  const devices: DeviceCursor[] = [];
  const members: MemberMarks[] = [];
  for (const member of history.roster) {
    const [read, listed, known, delivered = 0] = packed[member.user_id] ?? [0, 0, {}];
    const reaches: DeviceReach[] = [];
    members.push({ userId: member.user_id, read, delivered, isListed: listed === 1, reaches });
    for (const device of member.devices) {
      const [acked, placed] = known[device.id] ?? [device.joined_seq - 1, device.joined_seq - 1];
      const isActive = device.left_seq === undefined && device.gone === undefined;
      reaches.push({ from: device.joined_seq, to: acked, isActive });
      if (device.gone === true) continue;
      const key = deviceKey({ user_id: member.user_id, device_id: device.id });
      const end = device.left_seq ?? history.head;
      const from = device.joined_seq;
      devices.push({ key, userId: member.user_id, deviceId: device.id, acked, placed, from, end });
    }
  }
  return { devices, members };
}
