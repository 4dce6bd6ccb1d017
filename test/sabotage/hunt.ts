/** Plants one bug after another in a copy and looks which check catches it. */

import { type Failures, NoVerdict, runCheck, typeErrors } from "./checks.ts";
import type { Copy } from "./copy.ts";
import type { Check, PlantedBug } from "./planted-bug.ts";

export interface Catch {
  bug: PlantedBug;
  /** Null when nothing caught it. */
  check: Check | null;
  /** What failed, of the check that caught it. */
  failures: Failures;
  seconds: number;
  /** Why a check came to no verdict, or why the bug could not be judged at all. */
  remarks: string[];
}

/** Cheap to dear; tried when none of the checks that a bug names catches it. */
const ladder: Check[] = ["sim", "unit", "workerd"];

/** What each check says of the plain tree, run once and only for checks that found something. */
export class PlainTree {
  readonly #copy: Copy;
  readonly #known = new Map<Check, Promise<Failures>>();
  /** One at a time: they share one copy. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(copy: Copy) {
    this.#copy = copy;
  }

  failures(check: Check): Promise<Failures> {
    const known = this.#known.get(check) ?? this.#next(check);
    this.#known.set(check, known);
    return known;
  }

  #next(check: Check): Promise<Failures> {
    const run = this.#last.then(() => runCheck(this.#copy.root, check, true));
    this.#last = run.catch(() => undefined);
    return run;
  }
}

export async function hunt(copy: Copy, bug: PlantedBug, plain: PlainTree): Promise<Catch> {
  const started = performance.now();
  const remarks: string[] = [];
  const end = (check: Check | null, failures: Failures): Catch => ({
    bug,
    check,
    failures,
    remarks,
    seconds: (performance.now() - started) / 1000,
  });
  const takeOut = copy.plant(bug);
  try {
    const errors = await typeErrors(
      copy.root,
      bug.changes.map(({ file }) => file),
    );
    if (errors !== "") {
      remarks.push(`does not type check, so it needs no test to be found:\n${errors}`);
      return end(null, []);
    }
    for (const check of new Set([...bug.checks, ...ladder])) {
      const failures = await failuresIn(copy, check, remarks);
      if (failures.length === 0) continue;
      // A check that fails on the plain tree as well says nothing about the bug.
      const known = new Set(await plain.failures(check));
      const news = failures.filter((failure) => !known.has(failure));
      if (news.length > 0) return end(check, news);
      remarks.push(`${check} fails on the plain tree as well`);
    }
    return end(null, []);
  } finally {
    takeOut();
  }
}

async function failuresIn(copy: Copy, check: Check, remarks: string[]): Promise<Failures> {
  try {
    return await runCheck(copy.root, check);
  } catch (error) {
    if (!(error instanceof NoVerdict)) throw error;
    remarks.push(`${check}: ${error.message}`);
    return [];
  }
}
