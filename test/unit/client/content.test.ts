import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeContent, encodeContent } from "../../../src/client/content.ts";
import { envelopeSchema } from "../../../src/protocol/entry.ts";
import { limits } from "../../../src/protocol/limits.ts";

const wrap = (text: string) => Buffer.from(text).toString("base64");

describe("the envelope's codec", () => {
  it("gives any text back, in any script, within the envelope's bound", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 200 }), async (text) => {
        const envelope = await encodeContent({ v: 1, type: "text", text });
        expect(envelopeSchema.safeParse(envelope).success).toBe(true);
        expect(await decodeContent(envelope)).toEqual({ content: { v: 1, type: "text", text } });
      }),
    );
    const longest = await encodeContent({ v: 1, type: "text", text: "漢".repeat(limits.textCharsMax) });
    expect(envelopeSchema.safeParse(longest).success).toBe(true);
  });

  it.each([
    ["not base64", "%%%", "not_decodable"],
    ["not UTF-8", Buffer.from([0xff, 0xfe, 0xfd]).toString("base64"), "not_decodable"],
    ["not JSON", wrap("hello"), "not_decodable"],
    ["no object", wrap("[1]"), "wrong_form"],
    ["a later version", wrap('{"v":2,"type":"text","text":"x"}'), "unknown_version"],
    ["a type to come", wrap('{"v":1,"type":"reaction","emoji":"x"}'), "unknown_type"],
    ["a text without text", wrap('{"v":1,"type":"text"}'), "wrong_form"],
  ])("[D8] parks %s", async (_what, envelope, reason) => {
    expect(await decodeContent(envelope)).toEqual({ parked: reason });
  });

  it("[D8] never rejects, whatever the envelope holds", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.base64String(), fc.json().map(wrap)), async (envelope) => {
        const decoded = await decodeContent(envelope);
        return "content" in decoded || "parked" in decoded;
      }),
    );
  });
});
