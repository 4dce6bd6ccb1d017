/**
 * Looks for a text in bytes in every spelling it could have got there by accident: as UTF-8 and UTF-16, as it is, in
 * hexadecimal, and in base64 at each of the three offsets at which it could lie in what was encoded.
 */

export interface Needle {
  text: string;
  spellings: { name: string; bytes: Buffer }[];
}

export interface Hit {
  text: string;
  spelling: string;
  /** What it was found in. */
  where: string;
}

/** Shorter ones would be found by chance: base64 at an offset loses up to two characters at each end. */
const charsMin = 8;

export function needleFor(text: string): Needle {
  if (text.length < charsMin) throw new Error(`a needle has at least ${charsMin} characters: "${text}"`);
  const utf16le = Buffer.from(text, "utf16le");
  const encoded: [string, Buffer][] = [
    ["UTF-8", Buffer.from(text, "utf8")],
    ["UTF-16LE", utf16le],
    ["UTF-16BE", Buffer.from(utf16le).swap16()],
  ];
  return { text, spellings: encoded.flatMap(([name, bytes]) => spellingsOf(name, bytes)) };
}

/** A picture, or anything else that is no text. */
export function needleForBytes(name: string, bytes: Buffer): Needle {
  return { text: name, spellings: spellingsOf("bytes", bytes) };
}

function spellingsOf(name: string, bytes: Buffer): Needle["spellings"] {
  const hex = bytes.toString("hex");
  return [
    { name, bytes },
    { name: `${name} in hexadecimal`, bytes: Buffer.from(hex) },
    { name: `${name} in upper-case hexadecimal`, bytes: Buffer.from(hex.toUpperCase()) },
    ...[0, 1, 2].flatMap((offset) => {
      const standard = base64At(bytes, offset);
      const named = `${name} in base64 at offset ${offset}`;
      return [
        { name: named, bytes: Buffer.from(standard) },
        {
          name: `${named}, URL-safe`,
          bytes: Buffer.from(standard.replaceAll("+", "-").replaceAll("/", "_")),
        },
      ];
    }),
  ];
}

/** The characters of base64 that depend on nothing but `bytes` when `offset` bytes (mod 3) stand before them. */
function base64At(bytes: Buffer, offset: number): string {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes]);
  const from = Math.ceil((offset * 8) / 6);
  const to = Math.floor((whole.length * 8) / 6);
  return whole.toString("base64").slice(from, to);
}

export function search(needles: readonly Needle[], haystack: Buffer, where: string): Hit[] {
  return needles.flatMap(({ text, spellings }) =>
    spellings
      .filter(({ bytes }) => haystack.includes(bytes))
      .map(({ name }) => ({ text, spelling: name, where })),
  );
}
