/** The command line of `npm run chaos`. */
import { parseArgs } from "node:util";

export const usage = `npm run chaos -- [options]
  --kills N      how often the runtime is killed (default 10); clients are killed beside it
  --messages N   acknowledged messages to reach (default 400 for each kill)
  --clients N    processes that chat, each with two others (default 6, at least 3)
  --seed S       of the moments, the victims and the faults (default: another each time)
  --no-build     take dist as it is
  --json         end with one line of JSON`;

export class UsageError extends Error {}

export interface Options {
  kills: number;
  messages: number;
  clients: number;
  seed: string;
  shouldBuild: boolean;
  asJson: boolean;
}

const messagesPerKill = 400;
const clientsMin = 3;

export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: "string", default: "10" },
      messages: { type: "string" },
      clients: { type: "string", default: "6" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      "no-build": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const kills = countOf("--kills", values.kills, 1);
  return {
    kills,
    messages: countOf("--messages", values.messages ?? String(kills * messagesPerKill), 1),
    clients: countOf("--clients", values.clients, clientsMin),
    seed: values.seed,
    shouldBuild: !values["no-build"],
    asJson: values.json,
  };
}

function countOf(option: string, text: string, min: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < min)
    throw new UsageError(`${option} takes a whole number from ${min} on, not "${text}".`);
  return value;
}
