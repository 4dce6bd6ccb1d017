/** Local development: the code goes to the terminal and into the answer. readConfig refuses it in production. */
import type { OwnCodeSender } from "./code-sender.ts";

export const consoleSender: OwnCodeSender = {
  holdsCode: false,
  async send(phone, code) {
    console.log(`Code for ${phone}: ${code}`);
    return { development_code: code };
  },
};
