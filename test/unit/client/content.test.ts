import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Content, decodeContent, encodeContent } from "../../../src/client/content.ts";
import { contentBytesMax } from "../../../src/client/mls/padding.ts";
import { limits } from "../../../src/protocol/limits.ts";

const wrap = (text: string) => new TextEncoder().encode(text);

describe("the codec of what is inside an envelope", () => {
  it("gives any text back, in any script, within the envelope's bound", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 200 }), async (text) => {
        const content: Content = { v: 1, type: "text", text };
        expect(decodeContent(encodeContent(content))).toEqual({ content });
      }),
    );
    const longest = encodeContent({ v: 1, type: "text", text: "漢".repeat(limits.textCharsMax) });
    expect(longest.length).toBeLessThanOrEqual(contentBytesMax);
  });

  it.each([
    ["not UTF-8", new Uint8Array([0xff, 0xfe, 0xfd]), "not_decodable"],
    ["not JSON", wrap("hello"), "not_decodable"],
    ["no object", wrap("[1]"), "wrong_form"],
    ["a later version", wrap('{"v":2,"type":"text","text":"x"}'), "unknown_version"],
    ["a type to come", wrap('{"v":1,"type":"reaction","emoji":"x"}'), "unknown_type"],
    ["a text without text", wrap('{"v":1,"type":"text"}'), "wrong_form"],
  ])("[D8] parks %s", async (_what, bytes, reason) => {
    expect(decodeContent(bytes)).toEqual({ parked: reason });
  });

  it("[D8] never rejects, whatever the bytes hold", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array(), fc.json().map(wrap)), async (bytes) => {
        const decoded = decodeContent(bytes);
        return "content" in decoded || "parked" in decoded;
      }),
    );
  });
});
