/** One-time codes: their shape, their spread, and that a hash belongs to one number. */
import { afterEach, expect, test, vi } from "vitest";
import { codeHash, randomCode } from "../../../src/edge/one-time-code.ts";
import { limits } from "../../../src/protocol/limits.ts";

const secret = "0f".repeat(32);

afterEach(() => {
  vi.restoreAllMocks();
});

test("codes have all their digits, leading zeros too, and use every first digit", () => {
  const codes = Array.from({ length: 2_000 }, randomCode);
  expect(codes.every((code) => /^\d+$/.test(code) && code.length === limits.codeDigits)).toBe(true);
  expect(new Set(codes.map((code) => code[0])).size).toBe(10);
});

test("a draw that would make low codes likelier is dropped", () => {
  const unbiasedBelow = Math.floor(2 ** 32 / 1_000_000) * 1_000_000;
  const draws = [2 ** 32 - 1, unbiasedBelow, unbiasedBelow - 1];
  vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => {
    if (array instanceof Uint32Array) array[0] = draws.shift() ?? 0;
    return array;
  });
  expect(randomCode()).toBe("999999");
  expect(draws).toEqual([]);
});

test("the hash of a code differs by number and by secret", async () => {
  const hashes = [
    await codeHash(secret, "+14155550123", "123456"),
    await codeHash(secret, "+14155550124", "123456"),
    await codeHash("1f".repeat(32), "+14155550123", "123456"),
  ];
  expect(new Set(hashes).size).toBe(3);
  expect(await codeHash(secret, "+14155550123", "123456")).toBe(hashes[0]);
});
