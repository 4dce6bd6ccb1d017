/** Property tests over every schema: what is valid survives the wire, and nothing arbitrary gets through or throws. */
import fc from "fast-check";
import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { closeCodes, reconnectPolicy } from "../../../src/protocol/close-codes.ts";
import { errorCodes, errorMessage, errorStatus } from "../../../src/protocol/errors.ts";
import {
  chatDownSchema,
  chatUpSchema,
  inboxDownSchema,
  inboxUpSchema,
} from "../../../src/protocol/frames.ts";
import * as http from "../../../src/protocol/http.ts";
import { directConversationId, messageIdTime } from "../../../src/protocol/ids.ts";
import { offeredProtocols, parseOfferedProtocols, subprotocol } from "../../../src/protocol/version.ts";

const base64url = (length: number) =>
  fc.string({ minLength: length, maxLength: length, unit: fc.constantFrom(..."ABCabc019-_") });
const conversationId = base64url(43);
const messageId = fc.integer({ min: 0, max: 2 ** 44 }).map((msecs) => v7({ msecs }));
const seq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const envelope = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("base64"));
const _device = fc.record({ user_id: base64url(22), device_id: fc.integer({ min: 1, max: 0x7fff_ffff }) });
const position = fc.record({ log_id: base64url(22), seq, message_id: messageId, mac: base64url(22) });

const sendLike = {
  conversation_id: conversationId,
  message_id: messageId,
  generation: fc.integer({ min: 1, max: 0x7fff_ffff }),
  epoch: seq,
  base_seq: seq,
  envelope,
};
const upFrames = fc.oneof(
  fc.record({ type: fc.constant("send" as const), ...sendLike, silent: fc.boolean() }),
  fc.record({ type: fc.constant("proceed" as const), conversation_id: conversationId }),
  fc.record({ type: fc.constantFrom("ack" as const, "read" as const), conversation_id: conversationId, seq }),
);
const chatHello = fc.record({
  type: fc.constant("hello" as const),
  conversation_id: conversationId,
  position: fc.option(position),
});

const all: [string, z.ZodType][] = [
  ["chatUp", chatUpSchema],
  ["chatDown", chatDownSchema],
  ["inboxUp", inboxUpSchema],
  ["inboxDown", inboxDownSchema],
  ...Object.entries<unknown>(http).flatMap(([name, value]): [string, z.ZodType][] =>
    value instanceof z.ZodType ? [[name, value]] : [],
  ),
];

describe("schemas", () => {
  it("take every valid frame unchanged through JSON", () => {
    fc.assert(
      fc.property(fc.oneof(upFrames, chatHello), (frame) => {
        expect(chatUpSchema.parse(JSON.parse(JSON.stringify(frame)))).toEqual(frame);
      }),
    );
    fc.assert(
      fc.property(upFrames, (frame) => {
        expect(inboxUpSchema.parse(JSON.parse(JSON.stringify(frame)))).toEqual(frame);
      }),
    );
  });

  it("refuse a valid frame with one field spoiled", () => {
    const spoil = fc.constantFrom<unknown>(null, -1, 1.5, Number.NaN, "", "☃", [], {}, true, 2 ** 60);
    fc.assert(
      fc.property(upFrames, fc.nat(), spoil, (frame, index, value) => {
        const keys = Object.keys(frame).filter((key) => key !== "silent" && key !== "roster_change");
        const key = keys[index % keys.length] ?? "type";
        // The empty envelope and an epoch of zero are valid; skip what happens to be.
        fc.pre(!(key === "envelope" && value === ""));
        expect(chatUpSchema.safeParse({ ...frame, [key]: value }).success).toBe(false);
      }),
    );
  });

  it("refuse unknown fields and unknown frames", () => {
    fc.assert(
      fc.property(upFrames, fc.string({ minLength: 1 }), (frame, name) => {
        fc.pre(!(name in frame) && name !== "__proto__");
        expect(chatUpSchema.safeParse({ ...frame, [name]: 1 }).success).toBe(false);
        expect(chatUpSchema.safeParse({ ...frame, type: name }).success).toBe(false);
      }),
    );
  });

  it.each(all)("%s never throws, whatever it is given", (_name, schema) => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const result = schema.safeParse(value);
        expect(typeof result.success).toBe("boolean");
      }),
    );
  });
});

describe("ids and versions", () => {
  it("reads the time out of a UUIDv7", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 47 }), (msecs) => {
        expect(messageIdTime(v7({ msecs }))).toBe(msecs);
      }),
    );
  });

  it("gives both users of a direct chat the same id", async () => {
    const one = "A".repeat(22);
    const other = "b".repeat(22);
    expect(await directConversationId(one, other)).toBe(await directConversationId(other, one));
    expect(await directConversationId(one, other)).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(await directConversationId(one, one)).not.toBe(await directConversationId(one, other));
  });

  it("finds version and token in the subprotocol list, in any order", () => {
    expect(parseOfferedProtocols(offeredProtocols("a.b.c").reverse().join(", "))).toEqual({
      versionOffered: true,
      token: "a.b.c",
    });
    expect(parseOfferedProtocols("kittiwake.v9, token.x")).toEqual({ versionOffered: false, token: "x" });
    expect(parseOfferedProtocols(null)).toEqual({ versionOffered: false, token: null });
    expect(subprotocol).toBe("kittiwake.v1");
  });

  it("gives every error a status and a sentence, every close code a policy", () => {
    for (const code of errorCodes) {
      expect(errorStatus(code)).toBeGreaterThanOrEqual(400);
      expect(errorMessage(code)).toMatch(/^[A-Z].*\.$/);
    }
    for (const { code, reconnect } of Object.values(closeCodes))
      expect(reconnectPolicy(code)).toBe(reconnect);
    expect(reconnectPolicy(1006)).toBe("backoff");
  });
});
