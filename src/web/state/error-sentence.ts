/** Turns what an action threw into the sentence to show: the SDK's own errors say what to do next, others do not. */
const speakingErrors = new Set([
  "ProtocolError",
  "ConnectionError",
  "EncryptionError",
  "OwnNumberError",
  "PictureError",
]);

export function errorSentence(error: unknown): string {
  if (error instanceof Error && speakingErrors.has(error.name)) return error.message;
  if (error instanceof Error && error.name === "QuotaExceededError") {
    return "This device has no room left. Free some storage and try again.";
  }
  return "Something went wrong on this device. Reload the page and try again.";
}
