/** CPU time of processes, from Linux' process table. */
import { readFileSync } from "node:fs";

/** USER_HZ: Linux gives 100 to user space on every architecture. */
const ticksPerSecond = 100;

/** Seconds of user and system time, summed; null where there is no /proc. */
export function cpuSecondsOf(processIds: readonly number[]): number | null {
  if (process.platform !== "linux") return null;
  return processIds.reduce((sum, processId) => sum + cpuSeconds(processId), 0);
}

/** Of this process: the load generator. */
export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function cpuSeconds(processId: number): number {
  const stat = readFileSync(`/proc/${processId}/stat`, "utf8");
  // The name may hold blanks and brackets; utime and stime are fields 14 and 15, the name is field 2.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
