/** [E17] How many leaves a group may have, and how many devices each of its users brings. */
import { mlsBounds } from "../../mls-guard/bounds.ts";
import { limits } from "../../protocol/limits.ts";

export const leafLimits = {
  leavesMax: mlsBounds.leavesMax,
  /** Up to here every device of every user joins. */
  allDevicesLeavesMax: 256,
  addsPerCommitMax: mlsBounds.addsPerCommitMax,
} as const;

/** `deviceCount`: of all users together, if all their devices joined. */
export function devicesPerUserMax(userCount: number, deviceCount: number): number {
  if (deviceCount <= leafLimits.allDevicesLeavesMax) return limits.devicesPerUserMax;
  const share = Math.floor(leafLimits.leavesMax / Math.max(1, userCount));
  return Math.min(limits.devicesPerUserMax, share);
}
