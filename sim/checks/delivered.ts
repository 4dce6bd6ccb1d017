/** [R1] Where a member's delivered watermark may be, by its definition and entry by entry (docs/decisions/0007). */

export interface DeviceReach {
  /** The entry of its joining. */
  from: number;
  /** The last it has. */
  to: number;
  /** It still may get more. */
  isActive: boolean;
}

/** The highest entry that a device has, below which none is awaited; at least `before`, which once was right. */
export function deliveredTo(devices: readonly DeviceReach[], before: number): number {
  const last = Math.max(before, ...devices.map(({ to }) => to));
  let delivered = before;
  for (let seq = before + 1; seq <= last; seq += 1) {
    if (devices.some(({ from, to }) => from <= seq && seq <= to)) delivered = seq;
    else if (devices.some(({ from, isActive }) => isActive && from <= seq)) break;
  }
  return delivered;
}
