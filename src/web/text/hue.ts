/** One of a few colours for an id, the same wherever the id is shown; style/hues.css says what they look like. */
export const hues = 8;

export function hueOf(id: string): number {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return sum % hues;
}
