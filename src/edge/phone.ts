/** Phone numbers in one spelling, E.164, so that one number is one person. */
import { parsePhoneNumberFromString } from "libphonenumber-js/min";
import { ProtocolError } from "../protocol/errors.ts";

/** Only lengths are checked, not ranges: those change faster than any table, and the code sender knows them better. */
export function normalisePhone(text: string): string {
  const parsed = parsePhoneNumberFromString(text.trim(), { extract: false });
  if (parsed === undefined || !parsed.isPossible() || parsed.ext !== undefined) {
    throw new ProtocolError("bad_phone");
  }
  return parsed.number;
}
