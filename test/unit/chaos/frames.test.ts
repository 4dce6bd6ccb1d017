/** The proxy's frame splitter: whole frames out of any pieces, and what is in them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameSplitter, textOf } from "../../../chaos/proxy/frames.ts";

function frame(text: string, { isMasked = false, first = 0x81 } = {}): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  header[0] = first;
  header[1] = (isMasked ? 0x80 : 0) | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  if (!isMasked) return Buffer.concat([header, payload]);
  const mask = Buffer.from([1, 2, 3, 4]);
  const masked = Uint8Array.from<number>(payload, (byte: number, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([header, mask, masked]);
}

describe("the frame splitter", () => {
  it("finds the frames again however the stream is cut, masked or not, of every length form", () => {
    const text = fc.oneof(
      fc.string({ maxLength: 130, unit: "grapheme" }),
      fc.constant("x".repeat(126)),
      fc.constant("y".repeat(70_000)),
    );
    const cuts = fc.array(fc.nat(200_000), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 5 }), fc.boolean(), cuts, (texts, isMasked, places) => {
        const frames = texts.map((one) => frame(one, { isMasked }));
        const stream = Buffer.concat(frames);
        const splitter = new FrameSplitter();
        const ends = [...places.map((place) => place % (stream.length + 1)), stream.length].sort(
          (a, b) => a - b,
        );
        const found = ends.flatMap((end, index) => splitter.take(stream.subarray(ends[index - 1] ?? 0, end)));
        expect(found.map(textOf)).toEqual(texts);
        expect(Buffer.concat(found.map((one) => one.bytes)).equals(stream)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it("tells text messages from control frames and fragments, which the proxy leaves alone", () => {
    const stream = [0x81, 0x89, 0x8a, 0x88, 0x01, 0x80].map((first) => frame("hi", { first }));
    const found = new FrameSplitter().take(Buffer.concat(stream));
    expect(found.map((one) => one.isText)).toEqual([true, false, false, false, false, false]);
  });
});
