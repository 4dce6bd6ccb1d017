// `npm run check`: the quick part of `npm test`, for before a commit.
import { dependencyRules, formatAndLint, runSteps, types, vitest } from "./steps.ts";

const passed = await runSteps([formatAndLint, dependencyRules, types, vitest("unit")]);
process.exitCode = passed ? 0 : 1;
