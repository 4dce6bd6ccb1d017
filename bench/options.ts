/** The command line of `npm run bench`. */
import { parseArgs } from "node:util";
import { mlsSizes } from "./mls.ts";
import { type ScenarioName, scenarios } from "./scenarios.ts";

export const usage = `npm run bench -- [s1] [s2] [--runs 3] [--seconds 15] [--peer ejabberd] [--only chat|inbox] [--unpacked] [--no-build] [--json]
npm run bench -- mls [--leaves ${mlsSizes.join(",")}] [--json]`;

export class UsageError extends Error {}

export interface Options {
  scenarios: ScenarioName[];
  /** Group sizes to measure MLS at; null when it was not asked for. */
  mlsLeaves: readonly number[] | null;
  runs: number;
  seconds: number;
  hasPeer: boolean;
  only: "chat" | "inbox" | null;
  packs: boolean;
  shouldBuild: boolean;
  asJson: boolean;
}

export function readOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      runs: { type: "string", default: "3" },
      seconds: { type: "string", default: String(scenarios.s2.seconds) },
      leaves: { type: "string", default: mlsSizes.join(",") },
      peer: { type: "string" },
      only: { type: "string" },
      unpacked: { type: "boolean", default: false },
      "no-build": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  if (values.peer !== undefined && values.peer !== "ejabberd")
    throw new UsageError(`The only peer is ejabberd, not ${values.peer}.`);
  if (values.only !== undefined && values.only !== "chat" && values.only !== "inbox") {
    throw new UsageError(`--only takes chat or inbox, not ${values.only}.`);
  }
  const others = positionals.filter((name) => name !== "mls");
  return {
    scenarios: positionals.length === 0 ? ["s1", "s2"] : others.map(scenarioNamed),
    mlsLeaves: others.length < positionals.length ? values.leaves.split(",").map(groupSize) : null,
    runs: positive("--runs", values.runs),
    seconds: positive("--seconds", values.seconds),
    hasPeer: values.peer !== undefined,
    only: values.only ?? null,
    packs: !values.unpacked,
    shouldBuild: !values["no-build"],
    asJson: values.json,
  };
}

function scenarioNamed(name: string): ScenarioName {
  if (name !== "s1" && name !== "s2")
    throw new UsageError(`There is no scenario ${name}: s1, s2 and mls are.`);
  return name;
}

function groupSize(text: string): number {
  const leaves = Number(text);
  if (!Number.isInteger(leaves) || leaves < 2)
    throw new UsageError(`--leaves takes group sizes of 2 and more, not "${text}".`);
  return leaves;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0)
    throw new UsageError(`${option} takes a positive number, not "${text}".`);
  return value;
}
