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
  browserTests(findOrInstallBrowser()),
]);
process.exitCode = passed ? 0 : 1;

/** Browser tests run what the builds made; an older or half-made dist would only mislead. */
function browserTests(browserPath: string | null): Step {
  if (browserPath === null) return impossible("browser tests", browserAdvice);
  return { ...vitest("browser", { KITTIWAKE_BROWSER: browserPath }), needs: [webBuild, workerBuild] };
}
