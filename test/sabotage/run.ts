// npm run sabotage: plants every bug of bugs/ in a copy of the tree, and fails if one of them is not caught.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { plantedBugs } from "./bugs/all.ts";
import { Copy } from "./copy.ts";
import { type Catch, hunt, PlainTree } from "./hunt.ts";
import type { PlantedBug } from "./planted-bug.ts";
import { writeLine } from "./table.ts";

const usage = `npm run sabotage -- [options]
  --only ID     plant this one (may be given more than once)
  --parallel N  bugs at the same time (default: one per core, at most 4)
  --write       write what caught them into the table of docs/testing.md
  --json        end with one line of JSON`;

const options = readOptions();
if (options === null) {
  console.error(usage);
  process.exitCode = 2;
} else await run(options);

async function run({ bugs, parallel, json, write }: NonNullable<typeof options>): Promise<void> {
  const waiting = [...bugs];
  const caught: Catch[] = [];
  const copies = Array.from({ length: Math.min(parallel, bugs.length) }, () => new Copy());
  const plainCopy = new Copy();
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  process.once("exit", () => {
    for (const copy of [...copies, plainCopy]) copy.remove();
  });
  const plain = new PlainTree(plainCopy);
  const work = async (copy: Copy) => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
      const result = await hunt(copy, bug, plain);
      caught.push(result);
      if (write) writeLine(result);
      console.log(`[${caught.length}/${bugs.length}] ${sentence(result)}`);
    }
  };
  const started = performance.now();
  await Promise.all(copies.map(work));
  const missed = caught.filter(({ check }) => check === null).map(({ bug }) => bug.id);
  console.log(
    `${bugs.length - missed.length} of ${bugs.length} caught in ${seconds(performance.now() - started)}.`,
  );
  if (json) {
    console.log(JSON.stringify({ planted: bugs.length, caught: bugs.length - missed.length, missed }));
  }
  if (missed.length > 0) process.exitCode = 1;
}

function sentence({ bug, check, failures, seconds: took, remarks }: Catch): string {
  const by =
    check === null ? "NOT CAUGHT" : `caught by ${check} (${failures[0]}${more(failures.length - 1)})`;
  const notes = remarks.map((remark) => `\n    ${remark}`).join("");
  return `${bug.id} ${bug.rules.map((rule) => `[${rule}]`).join(" ")}: ${by}, ${seconds(took * 1000)}${notes}`;
}

function more(count: number): string {
  return count > 0 ? ` and ${count} more` : "";
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function readOptions(): { bugs: PlantedBug[]; parallel: number; json: boolean; write: boolean } | null {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string", multiple: true, default: [] },
        parallel: { type: "string", default: String(Math.min(4, availableParallelism())) },
        json: { type: "boolean", default: false },
        write: { type: "boolean", default: false },
      },
    });
    const unknown = values.only.filter((id) => plantedBugs.every((bug) => bug.id !== id));
    const parallel = Number(values.parallel);
    const isWhole = values.only.length === 0;
    if (unknown.length > 0) console.error(`No such bug: ${unknown.join(", ")}`);
    if (unknown.length > 0 || !(parallel >= 1)) return null;
    const bugs = isWhole ? plantedBugs : plantedBugs.filter((bug) => values.only.includes(bug.id));
    return { bugs, parallel, json: values.json, write: values.write };
  } catch {
    return null;
  }
}
