/**
 * The wire format is a promise. This test hashes every schema and fails when one changes without saying so:
 * a compatible change (an optional field, a wider bound) is recorded below; any other raises `protocolVersion`.
 */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { closeCodes } from "../../../src/protocol/close-codes.ts";
import { conversationStateSchema, positionSchema } from "../../../src/protocol/entry.ts";
import { errorBodySchema } from "../../../src/protocol/errors.ts";
import {
  chatDownSchema,
  chatUpSchema,
  inboxDownSchema,
  inboxUpSchema,
} from "../../../src/protocol/frames.ts";
import * as http from "../../../src/protocol/http.ts";
import * as mls from "../../../src/protocol/mls.ts";
import { pageSchema } from "../../../src/protocol/receive.ts";
import { acceptedSchema } from "../../../src/protocol/send.ts";
import { protocolVersion } from "../../../src/protocol/version.ts";

/** One line per accepted state of the wire, oldest first: the hash, and why it was compatible with the one before. */
const history = [
  { version: 1, hash: "bc016f4fa7031ca1", why: "first light" },
  {
    version: 1,
    hash: "c24181d473288289",
    why: "a frame `marks` down and an optional field in poll answers; who does not know them finds the gap with the next entry",
  },
  {
    version: 1,
    hash: "1537f6043aebb593",
    why: "what devices are told may say more than they know: nothing in it is strict",
  },
  {
    version: 1,
    hash: "3d3b602b08a46f96",
    why: "encryption: generations, commits by HTTP with their objects, leaving, key packages. Not compatible, and not to be: version 1 was never deployed without it",
  },
  {
    version: 1,
    hash: "ba6318aa5fd61809",
    why: "a sealed profile may be 256 bytes larger, so that one with a full picture fits; nothing smaller is refused",
  },
];

function isSchema(value: unknown): value is z.ZodType {
  return value instanceof z.ZodType;
}

function wireHash(): string {
  const schemas: Record<string, z.ZodType> = {
    chatUpSchema,
    chatDownSchema,
    inboxUpSchema,
    inboxDownSchema,
    conversationStateSchema,
    positionSchema,
    errorBodySchema,
    pageSchema,
    acceptedSchema,
  };
  for (const [name, value] of Object.entries({ ...http, ...mls })) if (isSchema(value)) schemas[name] = value;
  const described = Object.entries(schemas)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => [name, z.toJSONSchema(schema, { io: "input", unrepresentable: "any" })]);
  return createHash("sha256")
    .update(JSON.stringify([described, closeCodes]))
    .digest("hex")
    .slice(0, 16);
}

describe("the wire format", () => {
  it("changes only with the protocol version or a stated compatible change", () => {
    const last = history.at(-1);
    expect(last?.version).toBe(protocolVersion);
    expect(wireHash(), "state the change in `history`, or raise protocolVersion").toBe(last?.hash);
  });
});
