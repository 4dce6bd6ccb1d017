/** One-time codes: made without bias, kept only as a keyed hash bound to the number. */
import { limits } from "../protocol/limits.ts";
import { keyedHash, serverKey } from "./keys.ts";

/** `limits.codeDigits` random digits. Draws at or above the largest multiple of 10ⁿ are dropped, so none is likelier. */
export function randomCode(): string {
  const codes = 10 ** limits.codeDigits;
  const unbiasedBelow = Math.floor(2 ** 32 / codes) * codes;
  for (;;) {
    const [draw = unbiasedBelow] = crypto.getRandomValues(new Uint32Array(1));
    if (draw < unbiasedBelow) return String(draw % codes).padStart(limits.codeDigits, "0");
  }
}

export async function codeHash(secret: string, phone: string, code: string): Promise<string> {
  return await keyedHash(await serverKey(secret, "code"), `${phone}:${code}`);
}
