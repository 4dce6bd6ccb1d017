/**
 * A bug to plant: a small change of product files, written as the exact text it replaces, so that it stops applying
 * (and says so) as soon as that text changes. A bug that is not caught is a hole in the tests.
 */

/** A test file, or a whole layer. Cheap ones first: sim runs seeds, unit and workerd all files of their layer. */
export type Check = `test/${"unit" | "workerd"}/${string}.test.ts` | "sim" | "unit" | "workerd";

export interface Change {
  file: string;
  /** Stands exactly once in the file. */
  find: string;
  replace: string;
}

export interface PlantedBug {
  /** Kebab-case, unique. */
  id: string;
  /** Rules of docs/protocol.md that it breaks; `access` for who may do what. */
  rules: string[];
  /** What the code does wrong once it is planted. */
  says: string;
  changes: Change[];
  /** Where it should be caught, cheapest first. The run widens by itself when none of them does. */
  checks: Check[];
}

/** The file with the bug in it. Throws when the text to replace is not there exactly once. */
export function withChange(id: string, { file, find, replace }: Change, source: string): string {
  const count = source.split(find).length - 1;
  if (count !== 1) {
    throw new Error(`${id} does not apply: the text to replace stands ${count} times in ${file}, not once`);
  }
  // A function, for the dollar signs of template texts.
  return source.replace(find, () => replace);
}
