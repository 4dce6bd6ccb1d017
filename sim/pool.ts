/** Seeds spread over worker threads, a few at a time, so that all cores are used. The worker is main.ts again. */
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { makePlan } from "./actors/plan.ts";
import { type EngineName, loadRealEngine } from "./crypto/engines.ts";
import { inMacrotask } from "./macrotask.ts";
import { simulate } from "./simulate.ts";

export interface SeedResult {
  seed: number;
  hash: string;
  eventCount: number;
  entryCount: number;
  failure: { rule: string; what: string } | null;
}
interface Task {
  seeds: number[];
  operations: number;
  engine: EngineName;
}

const seedsPerTask = 10;

export async function runSeed(
  seed: number,
  { operations, engine }: Pick<Task, "operations" | "engine">,
): Promise<SeedResult> {
  const outcome = await inMacrotask(() => simulate({ ...makePlan(String(seed), operations), engine }));
  const { hash, eventCount, entryCount, violation } = outcome;
  return {
    seed,
    hash,
    eventCount,
    entryCount,
    failure: violation && { rule: violation.rule, what: violation.what },
  };
}

/** In a worker: answers each task with its results. */
export function serveTasks(): void {
  if (isMainThread) throw new Error("only a worker serves tasks");
  parentPort?.on("message", (task: Task) => {
    const run = async () => {
      if (task.engine === "real") await loadRealEngine();
      const results: SeedResult[] = [];
      for (const seed of task.seeds) results.push(await runSeed(seed, task));
      parentPort?.postMessage(results);
    };
    run().catch((error: unknown) => {
      throw error;
    });
  });
}

/** Rejects if a worker dies. `onResult` is called for each seed as it comes, in no order. */
export async function runSeeds(
  { seeds, operations, engine }: Task,
  onResult: (result: SeedResult) => void,
): Promise<void> {
  const tasks: Task[] = [];
  for (let at = 0; at < seeds.length; at += seedsPerTask) {
    tasks.push({ seeds: seeds.slice(at, at + seedsPerTask), operations, engine });
  }
  const count = Math.min(availableParallelism(), tasks.length);
  await Promise.all(Array.from({ length: count }, () => work(tasks, onResult)));
}

function work(tasks: Task[], onResult: (result: SeedResult) => void): Promise<void> {
  const worker = new Worker(new URL("./main.ts", import.meta.url));
  return new Promise((resolve, reject) => {
    const next = () => {
      const task = tasks.shift();
      if (task !== undefined) return worker.postMessage(task);
      worker.terminate().then(() => resolve(), reject);
      return undefined;
    };
    worker.on("message", (results: SeedResult[]) => {
      for (const result of results) onResult(result);
      next();
    });
    worker.on("error", reject);
    next();
  });
}
