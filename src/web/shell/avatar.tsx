/** A round sign for a person: the first letters of a name, a "#" for a bare number, in a colour that stays theirs. */
import type { JSX } from "preact";

const hues = 8;

export function Avatar({ title, id }: { title: string; id: string }): JSX.Element {
  return (
    <span class={`avatar avatar-${hueOf(id)}`} aria-hidden="true">
      {initialsOf(title)}
    </span>
  );
}

function initialsOf(title: string): string {
  const words = title.split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => firstLetter(word));
  return letters.join("") || "#";
}

function firstLetter(word: string | undefined): string {
  return word === undefined ? "" : ([...word][0] ?? "").toUpperCase();
}

function hueOf(id: string): number {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return sum % hues;
}
