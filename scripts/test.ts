// `npm test`: every check there is. All steps run even after a failure, and the last line has the totals.
import { browserAdvice, findOrInstallBrowser } from "./browser.ts";
import {
  dependencyRules,
  formatAndLint,
  impossible,
  runSteps,
  type Step,
  types,
  vitest,
  webBuild,
  workerBuild,
} from "./steps.ts";

const passed = await runSteps([
  formatAndLint,
  dependencyRules,
  types,
  webBuild,
  workerBuild,
  vitest("unit"),
  vitest("workerd"),
  onBuilds(vitest("process")),
  browserTests(findOrInstallBrowser()),
]);
process.exitCode = passed ? 0 : 1;

function browserTests(browserPath: string | null): Step {
  if (browserPath === null) return impossible("browser tests", browserAdvice);
  return onBuilds(vitest("browser", { KITTIWAKE_BROWSER: browserPath }));
}

/** Runs what the builds made; an older or half-made dist would only mislead. */
function onBuilds(step: Step): Step {
  return { ...step, needs: [webBuild, workerBuild] };
}
