/** The boundary of an object's socket: no input throws, nothing valid is changed, nothing invalid gets through. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFrames } from "../../../durable/read-frames.ts";
import { chatUpSchema, inboxUpSchema } from "../../../src/protocol/frames.ts";
import { limits } from "../../../src/protocol/limits.ts";

const id = (alphabet: string, length: number) =>
  fc
    .array(fc.constantFrom(...alphabet), { minLength: length, maxLength: length })
    .map((chars) => chars.join(""));
const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const hex = "0123456789abcdef";
const userId = id(base64url, 22);
const conversation_id = id(base64url, 43);
const message_id = fc
  .tuple(id(hex, 8), id(hex, 4), id(hex, 3), fc.constantFrom("8", "9", "a", "b"), id(hex, 3), id(hex, 12))
  .map(([a, b, c, variant, d, e]) => `${a}-${b}-7${c}-${variant}${d}-${e}`);
const seq = fc.maxSafeNat();
const envelope = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("base64"));
const literal = <T extends string>(type: T) => fc.constant(type);
const generation = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const common = { conversation_id, message_id, generation, epoch: seq, base_seq: seq, envelope };
const shared = [
  fc.record({ type: literal("send"), ...common, silent: fc.boolean() }),
  fc.record({ type: literal("proceed"), conversation_id }),
  fc.record({ type: literal("ack"), conversation_id, seq: seq.map((n) => Math.max(1, n)) }),
  fc.record({ type: literal("read"), conversation_id, seq: seq.map((n) => Math.max(1, n)) }),
];
const position = fc.record({ log_id: userId, seq: fc.integer({ min: 1 }), message_id, mac: userId });
const chatFrame = fc.oneof(
  ...shared,
  fc.record({ type: literal("hello"), conversation_id, position: fc.option(position) }),
);
const inboxFrame = fc.oneof(...shared, fc.record({ type: literal("hello"), store_id: fc.option(userId) }));

describe.each([
  ["chat", chatUpSchema, chatFrame],
  ["inbox", inboxUpSchema, inboxFrame],
] as const)("frames of the %s socket", (_, schema, valid) => {
  const read = (text: string | ArrayBuffer) => readFrames<unknown>(text, schema as never);

  it("arbitrary JSON never throws: a close name, or one bad frame each", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.array(fc.jsonValue(), { maxLength: 80 }).map((value) => JSON.stringify(value)),
        ),
        (text) => {
          const result = read(text);
          if ("close" in result) expect(["badFrame", "tooLarge"]).toContain(result.close);
          else
            for (const frame of result.frames)
              expect(frame).toMatchObject({ type: "bad", where: expect.any(String) });
        },
      ),
    );
  });

  it("valid frames come through as they are", () => {
    fc.assert(
      fc.property(fc.array(valid as fc.Arbitrary<unknown>, { maxLength: 64 }), (frames) => {
        expect(read(JSON.stringify(frames))).toEqual({ frames: JSON.parse(JSON.stringify(frames)) });
      }),
    );
  });

  it("a valid frame with one field wrong is bad, names no value, and keeps the id for the refusal [L7]", () => {
    fc.assert(
      fc.property(
        valid as fc.Arbitrary<Record<string, unknown>>,
        fc.nat(),
        fc.constantFrom(null, true, {}, [], -1, "", 1e300, "secret"),
        (frame, n, wrong) => {
          const fields = Object.keys(frame).filter(
            (key) => !["type", "envelope", "store_id", "position", "silent"].includes(key),
          );
          const field = fields[n % Math.max(1, fields.length)];
          if (field === undefined) return;
          const result = read(JSON.stringify([{ ...frame, [field]: wrong }]));
          const bad = "frames" in result ? (result.frames[0] as Record<string, unknown>) : {};
          expect(bad.type).toBe("bad");
          expect(String(bad.where)).not.toContain("secret");
          expect(bad.isSend).toBe(frame.type === "send");
          if (field !== "message_id") expect(bad.messageId).toBe(frame.message_id ?? null);
          if (field !== "conversation_id") expect(bad.conversationId).toBe(frame.conversation_id ?? null);
        },
      ),
    );
  });

  it("keys that would pollute are refused and pollute nothing", () => {
    for (const key of ["__proto__", "constructor", "prototype", "toString"]) {
      const text = `[{"type":"proceed","conversation_id":"${"A".repeat(43)}","${key}":{"isPaused":false}}]`;
      expect(read(text)).toMatchObject({ frames: [{ type: "bad" }] });
      expect(read(`[{"type":"${key}"}]`)).toMatchObject({ frames: [{ type: "bad" }] });
    }
    expect(({} as Record<string, unknown>).isPaused).toBeUndefined();
  });

  it("size and number are bounded before anything is parsed", () => {
    expect(read("x".repeat(limits.frameBytesMax + 1))).toEqual({ close: "tooLarge" });
    expect(read(JSON.stringify(Array.from({ length: limits.framesPerArrayMax + 1 })))).toEqual({
      close: "tooLarge",
    });
    expect(read(new ArrayBuffer(2))).toEqual({ close: "badFrame" });
    expect(read("[]")).toEqual({ frames: [] });
  });
});
