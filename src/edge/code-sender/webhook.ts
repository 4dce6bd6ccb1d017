/**
 * Hands the code to a service of the operator: POST {phone, code} as JSON, with `kittiwake-timestamp` (seconds) and
 * `kittiwake-signature`: `v1=` and the hex HMAC-SHA-256 of `timestamp.body` under CODE_WEBHOOK_SECRET.
 * The receiver checks the signature and refuses old timestamps. Any 2xx means sent.
 */
import { hex } from "@scure/base";
import { ProtocolError } from "../../protocol/errors.ts";
import type { OwnCodeSender } from "./code-sender.ts";
import { post } from "./post.ts";

export function webhookSender(webhook: { url: string; secret: string }): OwnCodeSender {
  return {
    holdsCode: false,
    async send(phone, code) {
      const body = JSON.stringify({ phone, code });
      const timestamp = String(Math.floor(Date.now() / 1000));
      const answer = await post(
        webhook.url,
        {
          "content-type": "application/json",
          "kittiwake-timestamp": timestamp,
          "kittiwake-signature": `v1=${await signature(webhook.secret, `${timestamp}.${body}`)}`,
        },
        body,
      );
      if (!answer.ok) throw new ProtocolError("code_not_sent");
      return {};
    },
  };
}

async function signature(secret: string, text: string): Promise<string> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign"]);
  return hex.encode(new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text))));
}
