// `npm run test:vectors`: the official vectors of the MLS working group against the repaired library, with our provider.
// They are not part of this repository; the folder that MLS_VECTORS names holds them.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  cryptoBasics,
  deserialization,
  keySchedule,
  pskSecret,
  secretTree,
  transcriptHashes,
  treeMath,
} from "./basics.ts";
import { messageProtection, messages, welcome } from "./messages.ts";
import { passiveClient } from "./passive-client.ts";
import { treekem, treeOperations, treeValidation } from "./trees.ts";
import { type Check, Vector } from "./vector.ts";

const checks: Record<string, Check> = {
  "crypto-basics": cryptoBasics,
  deserialization,
  "key-schedule": keySchedule,
  "message-protection": messageProtection,
  messages,
  "passive-client-handling-commit": passiveClient,
  "passive-client-random": passiveClient,
  "passive-client-welcome": passiveClient,
  psk_secret: pskSecret,
  "secret-tree": secretTree,
  "transcript-hashes": transcriptHashes,
  "tree-math": treeMath,
  "tree-operations": treeOperations,
  "tree-validation": treeValidation,
  treekem,
  welcome,
};

const folder = process.env.MLS_VECTORS;
if (folder === undefined || !existsSync(folder)) {
  console.error(
    "MLS_VECTORS must name a folder with the official MLS test vectors: the files of test-vectors/ in the public " +
      "repository github.com/mlswg/mls-implementations, which are not part of this one.",
  );
  process.exit(1);
}

let [passed, failed] = [0, 0];
for (const [name, check] of Object.entries(checks)) {
  const before = passed;
  const cases = casesOf(join(folder, `${name}.json`));
  for (const [index, json] of cases.entries()) {
    try {
      await check(new Vector(json));
      passed += 1;
    } catch (error) {
      failed += 1;
      console.error(`${name} ${index}: ${error instanceof Error ? error.message : error}`);
    }
  }
  console.log(`${name}: ${passed - before} of ${cases.length}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** A file that is missing fails, as one case: nothing is skipped without being seen. */
function casesOf(path: string): unknown[] {
  const cases: unknown = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : null;
  return Array.isArray(cases) && cases.length > 0 ? cases : [null];
}
