import { describe, expect, it } from "vitest";
import { needleFor, search } from "../../support/needle.ts";

const text = "Grüße aus Ålesund, 17 Möwen";
const needle = needleFor(text);
const noise = Buffer.from("0123456789abcdef".repeat(64));

function spellingsFoundIn(planted: Buffer): string[] {
  const haystack = Buffer.concat([noise, planted, noise]);
  return search([needle], haystack, "here").map((hit) => hit.spelling);
}

describe("the search for plaintext", () => {
  it.each(["utf8", "utf16le"] as const)("[E1] finds a text as %s", (encoding) => {
    const found = spellingsFoundIn(Buffer.from(text, encoding));
    expect(found).toEqual([encoding === "utf8" ? "UTF-8" : "UTF-16LE"]);
  });

  it("[E1] finds a text as UTF-16BE", () => {
    expect(spellingsFoundIn(Buffer.from(text, "utf16le").swap16())).toEqual(["UTF-16BE"]);
  });

  it("[E1] finds a text in hexadecimal of either case", () => {
    const hex = Buffer.from(text).toString("hex");
    expect(spellingsFoundIn(Buffer.from(hex))).toEqual(["UTF-8 in hexadecimal"]);
    expect(spellingsFoundIn(Buffer.from(hex.toUpperCase()))).toEqual(["UTF-8 in upper-case hexadecimal"]);
  });

  it.each([0, 1, 2, 3, 4, 5])("[E1] finds a text in base64 with %i bytes before it", (before) => {
    for (const alphabet of ["base64", "base64url"] as const) {
      for (const encoding of ["utf8", "utf16le"] as const) {
        const inner = Buffer.concat([
          Buffer.alloc(before, 0xfb),
          Buffer.from(text, encoding),
          Buffer.alloc(7, 0xff),
        ]);
        const name = `${encoding === "utf8" ? "UTF-8" : "UTF-16LE"} in base64 at offset ${before % 3}`;
        expect(spellingsFoundIn(Buffer.from(inner.toString(alphabet))).join()).toContain(name);
      }
    }
  });

  it("finds nothing where there is nothing", () => {
    expect(search([needle], noise, "here")).toEqual([]);
  });
});
