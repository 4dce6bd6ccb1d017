/** The clock, the ticks or the warning of one's own message. */
import type { JSX } from "preact";
import type { Tick } from "../text/ticks.ts";

const shapes: Record<Tick["icon"], JSX.Element> = {
  clock: (
    <>
      <circle cx="9" cy="6" r="4.6" />
      <path d="M9 3.6V6l1.7 1" />
    </>
  ),
  one: <path d="M4.5 6.5l3 3L13.5 2.5" />,
  two: <path d="M1 6.5l3 3L10 2.5M7.7 8.7l.8.8L14.5 2.5" />,
  alert: (
    <>
      <circle cx="9" cy="6" r="4.9" />
      <path d="M9 3.4v3M9 8.6v.01" />
    </>
  ),
};

export function Ticks({ tick }: { tick: Tick }): JSX.Element {
  return (
    <svg
      class={`ticks ticks-${tick.label.toLowerCase().replace(" ", "-")}`}
      viewBox="0 0 16 12"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      role="img"
      aria-label={tick.label}
    >
      {shapes[tick.icon]}
    </svg>
  );
}
