/** A round sign for a person or a group: their picture, else the first letters of the name, or "#" for a bare number. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { usePictureUrl } from "../picture/use-picture-url.ts";
import { hueOf } from "../text/hue.ts";

export interface AvatarProps {
  title: string;
  /** Gives the colour, which so stays theirs whatever they call themselves. */
  id: string;
  picture: Uint8Array | null;
  size?: "large";
}

/** Decorative: the name stands beside it. */
export function Avatar({ title, id, picture, size }: AvatarProps): JSX.Element {
  const url = usePictureUrl(picture);
  const [brokenUrl, setBrokenUrl] = useState<string | null>(null);
  const isShown = url !== null && url !== brokenUrl;
  return (
    <span class={`avatar hue-${hueOf(id)} ${size === "large" ? "avatar-large" : ""}`} aria-hidden="true">
      {isShown ? <img src={url} alt="" onError={() => setBrokenUrl(url)} /> : initialsOf(title)}
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
