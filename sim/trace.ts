/** The last events of a run as sentences. Kept only when asked for: a failing seed is run once more with it. */
export class Trace {
  readonly lines: string[] = [];
  readonly #isKept: boolean;
  readonly #max: number;
  #startedAt: number | null = null;

  constructor(isKept: boolean, max = 4_000) {
    this.#isKept = isKept;
    this.#max = max;
  }

  get isKept(): boolean {
    return this.#isKept;
  }

  say(now: number, who: string, what: () => string): void {
    this.#startedAt ??= now;
    if (!this.#isKept) return;
    this.lines.push(`${asTime(now - this.#startedAt)}  ${who}: ${what()}`);
    if (this.lines.length > this.#max * 2) this.lines.splice(0, this.#max);
  }
}

/** 1d 02:03:04.567 since the run began. */
function asTime(ms: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const days = Math.floor(ms / 86_400_000);
  const rest = ms % 86_400_000;
  const clock = `${two(rest / 3_600_000)}:${two((rest / 60_000) % 60)}:${two((rest / 1000) % 60)}.${String(Math.floor(rest % 1000)).padStart(3, "0")}`;
  return days > 0 ? `${days}d ${clock}` : clock;
}
