/** Phone numbers: one spelling for each, a typed error for the rest. */
import { expect, test } from "vitest";
import { normalisePhone } from "../../../src/edge/phone.ts";

test.each([
  ["+14155550123", "+14155550123"],
  [" +1 (415) 555-0123 ", "+14155550123"],
  ["+49 30 901820", "+4930901820"],
  ["+44 (0)20 7946 0018", "+442079460018"],
])("%j is written %s", (text, expected) => {
  expect(normalisePhone(text)).toBe(expected);
});

test.each([
  "",
  "+",
  "4155550123",
  "+0123456789",
  "+999999999999",
  "call +14155550123",
  "+14155550123x5",
  "١٢٣",
])("%j is no phone number", (text) => {
  expect(() => normalisePhone(text)).toThrow(expect.objectContaining({ code: "bad_phone" }));
});
