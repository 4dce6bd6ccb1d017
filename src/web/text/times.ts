/** Times and days as people read them, in the user's own locale and time zone unless a test names others. */
export interface TimeFormat {
  locale?: string;
  timeZone?: string;
}

const dayMs = 24 * 60 * 60 * 1000;

export function clockTime(ms: number, { locale, timeZone }: TimeFormat = {}): string {
  return formatter(locale, { timeStyle: "short", timeZone }).format(ms);
}

/** The calendar day as `2026-11-24`: equal keys are the same day. */
export function dayKey(ms: number, { timeZone }: TimeFormat = {}): string {
  // Sweden writes dates in the ISO form.
  return formatter("sv-SE", { year: "numeric", month: "2-digit", day: "2-digit", timeZone }).format(ms);
}

/** Today, Yesterday, a weekday within the last week, else the date. */
export function dayLabel(ms: number, nowMs: number, format: TimeFormat = {}): string {
  const { locale, timeZone } = format;
  const daysAgo = daysBetween(ms, nowMs, format);
  if (daysAgo === 0) return "Today";
  if (daysAgo === 1) return "Yesterday";
  if (daysAgo > 1 && daysAgo < 7) return formatter(locale, { weekday: "long", timeZone }).format(ms);
  return formatter(locale, { day: "numeric", month: "long", year: "numeric", timeZone }).format(ms);
}

/** For the chat list: the time today, else the day, as short as possible. */
export function listTime(ms: number, nowMs: number, format: TimeFormat = {}): string {
  const { locale, timeZone } = format;
  const daysAgo = daysBetween(ms, nowMs, format);
  if (daysAgo === 0) return clockTime(ms, format);
  if (daysAgo === 1) return "Yesterday";
  if (daysAgo > 1 && daysAgo < 7) return formatter(locale, { weekday: "short", timeZone }).format(ms);
  return formatter(locale, { day: "numeric", month: "numeric", year: "2-digit", timeZone }).format(ms);
}

export function fullTime(ms: number, { locale, timeZone }: TimeFormat = {}): string {
  return formatter(locale, { dateStyle: "medium", timeStyle: "short", timeZone }).format(ms);
}

/** Calendar days, so that 23:59 and 0:01 are one apart and a day of 23 hours counts as one. */
function daysBetween(ms: number, nowMs: number, format: TimeFormat): number {
  return Math.round((Date.parse(dayKey(nowMs, format)) - Date.parse(dayKey(ms, format))) / dayMs);
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** Making a formatter costs more than using it a hundred times. */
function formatter(
  locale: string | undefined,
  options: { [Key in keyof Intl.DateTimeFormatOptions]: Intl.DateTimeFormatOptions[Key] | undefined },
): Intl.DateTimeFormat {
  const key = `${locale}|${JSON.stringify(options)}`;
  let known = formatters.get(key);
  if (known === undefined) {
    known = new Intl.DateTimeFormat(locale, options as Intl.DateTimeFormatOptions);
    formatters.set(key, known);
  }
  return known;
}
