/** Reads a request body: bounded while it streams in, strict UTF-8, JSON, then the route's schema. */
import type { z } from "zod";
import { ProtocolError, whereOf } from "../protocol/errors.ts";
import { limits } from "../protocol/limits.ts";

export async function readBody<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
  bytesMax: number = limits.httpBodyBytesMax,
): Promise<z.output<Schema>> {
  const json = parseJson(decodeUtf8(await readBounded(request, bytesMax)));
  return check(schema, json);
}

/** Checks any input of a request against its schema; the answer says where the trouble is, never what was there. */
export function check<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (!result.success) throw new ProtocolError("bad_frame", { where: whereOf(result.error) });
  return result.data;
}

/** The declared length is a hint that saves reading; the count while reading is what binds. */
export async function readBounded(request: Request, bytesMax: number): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw new ProtocolError("too_large");
  if (request.body === null) return new Uint8Array(0);
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    length += read.value.byteLength;
    if (length > bytesMax) {
      await reader.cancel();
      throw new ProtocolError("too_large");
    }
    chunks.push(read.value);
  }
  return join(chunks, length);
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new ProtocolError("bad_json", { where: "body: not UTF-8" });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProtocolError("bad_json");
  }
}
