/** What a call rejects with when the encryption of a chat does not allow it now. The message says what to do next. */
const sentences: Record<string, string> = {
  repairing: "The encryption of this chat is being repaired. Try again in a moment.",
  fork: "Sending has stopped: this device and another were shown different versions of this chat. Compare with the other person before you go on.",
  no_state:
    "This device has just come in and waits for the group's details from another member. Try again in a moment.",
  no_keys: "This person's devices have not set up their encryption yet. Try again in a moment.",
  no_group: "This device is still coming into this chat. Try again in a moment.",
  ok: "This device is still coming into this chat. Try again in a moment.",
};

export class EncryptionError extends Error {
  /** A state of the chat, or the failure's code (src/client/mls/failures.ts). */
  readonly code: string;
  constructor(code: string) {
    super(sentences[code] ?? "This could not be encrypted. Try again; if it stays so, log out and in again.");
    this.name = "EncryptionError";
    this.code = code;
  }
}
