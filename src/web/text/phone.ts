/**
 * Reads and shows phone numbers. Reading is lenient, because numbering plans change faster than this table: the
 * length must be possible for the country. The server has the last word.
 */
import {
  type CountryCode,
  parsePhoneNumberFromString,
  validatePhoneNumberLength,
} from "libphonenumber-js/min";

export type PhoneReading = { isValid: true; phone: string } | { isValid: false; sentence: string };

export function readPhone(typed: string, country?: CountryCode): PhoneReading {
  const text = typed.trim().replace(/^00/, "+");
  if (text === "") return { isValid: false, sentence: "Enter a phone number." };
  const number = parsePhoneNumberFromString(text, country);
  if (number?.isPossible()) return { isValid: true, phone: number.number };
  if (!text.startsWith("+") && country === undefined) {
    return { isValid: false, sentence: "Start with + and the country code, like +1 415 555 0123." };
  }
  return { isValid: false, sentence: reasonOf(text, country) };
}

function reasonOf(text: string, country: CountryCode | undefined): string {
  switch (validatePhoneNumberLength(text, country)) {
    case "TOO_SHORT":
      return "This number is too short. Check that no digit is missing.";
    case "TOO_LONG":
      return "This number is too long. Check for a digit too many.";
    case "INVALID_COUNTRY":
      return "No country has this code. Start with + and the country code, like +1 415 555 0123.";
    default:
      return "This is not a phone number. Write it with country code, like +1 415 555 0123.";
  }
}

/** "+14155550123" → "+1 415 555 0123"; whatever is not a number stays as it is. */
export function formatPhone(phone: string): string {
  return parsePhoneNumberFromString(phone)?.formatInternational() ?? phone;
}
