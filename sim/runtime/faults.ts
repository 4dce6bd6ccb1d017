/** How badly things go at the moment. All chances are per event of their kind; delays are in milliseconds. */
export interface Faults {
  rpcDelayMs: readonly [number, number];
  /** A call that takes seconds. */
  rpcSlowChance: number;
  rpcLostChance: number;
  rpcAnswerLostChance: number;
  /** A commit that is confirmed later than its turn ends; other turns run meanwhile. */
  commitLateChance: number;
  /** A turn whose commit fails: the object is reset, and what the turn wrote and sent is gone. */
  commitFailsChance: number;
  /** A crash right after a turn. */
  crashChance: number;
  /** Memory gone although not idle for ten seconds; only when nothing is pending. */
  hibernateChance: number;
  /** An alarm that goes off up to two minutes late. */
  alarmLateChance: number;
  /** An alarm that is run once more after it was done: at least once is all that is promised. */
  alarmTwiceChance: number;
  /** How far the clock of a machine may be off that an object wakes on after a crash. */
  serverSkewMs: number;
  /** Calls and frames carry a field that this version does not know, as from a newer one during a deploy. */
  isMixed: boolean;
  netDelayMs: readonly [number, number];
  httpLostChance: number;
  httpAnswerLostChance: number;
  /** A request that somebody on the way sends twice. */
  httpTwiceChance: number;
  socketCutChance: number;
  socketSwallowChance: number;
  socketStallChance: number;
  /** A store operation of a device that takes a while, so that other events come between. */
  storeSlowChance: number;
  /** A transaction that a device's store refuses: nothing of it is kept. */
  storeFailsChance: number;
}

export const noFaults: Faults = {
  rpcDelayMs: [1, 12],
  rpcSlowChance: 0,
  rpcLostChance: 0,
  rpcAnswerLostChance: 0,
  commitLateChance: 0.1,
  commitFailsChance: 0,
  crashChance: 0,
  hibernateChance: 0,
  alarmLateChance: 0,
  alarmTwiceChance: 0,
  serverSkewMs: 250,
  isMixed: false,
  netDelayMs: [5, 60],
  httpLostChance: 0,
  httpAnswerLostChance: 0,
  httpTwiceChance: 0,
  socketCutChance: 0,
  socketSwallowChance: 0,
  socketStallChance: 0,
  storeSlowChance: 0.05,
  storeFailsChance: 0,
};

/** Objects and the calls between them work as they should; devices and their networks may not. */
export function isSound(faults: Faults): boolean {
  const { rpcLostChance, rpcAnswerLostChance, rpcSlowChance, commitFailsChance, crashChance } = faults;
  const { alarmLateChance, alarmTwiceChance, serverSkewMs } = faults;
  const chances = [rpcLostChance, rpcAnswerLostChance, rpcSlowChance, commitFailsChance, crashChance];
  return (
    [...chances, alarmLateChance, alarmTwiceChance].every((chance) => chance === 0) && serverSkewMs < 1_000
  );
}
