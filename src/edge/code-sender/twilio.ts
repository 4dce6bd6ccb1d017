/**
 * Twilio Verify v2 makes, sends and checks the code (https://www.twilio.com/docs/verify/api). A verification that is
 * approved, expired or over its attempts is gone: checking it again answers 404.
 */
import { base64 } from "@scure/base";
import { z } from "zod";
import { ProtocolError } from "../../protocol/errors.ts";
import type { CodeService } from "./code-sender.ts";
import { type PostAnswer, post } from "./post.ts";

export interface TwilioAccount {
  baseUrl: string;
  accountSid: string;
  authToken: string;
  serviceSid: string;
}

const checkAnswerSchema = z.object({ status: z.string() });
const tooManyRequests = 429;
const notFound = 404;

export function twilioVerifier(account: TwilioAccount): CodeService {
  return {
    holdsCode: true,

    async start(phone) {
      const answer = await postForm(account, "Verifications", { To: phone, Channel: "sms" });
      if (answer.status === tooManyRequests)
        throw new ProtocolError("too_many_codes", { retry_after_ms: 10 * 60_000 });
      if (!answer.ok) throw new ProtocolError("code_not_sent");
    },

    async check(phone, code) {
      const answer = await postForm(account, "VerificationCheck", { To: phone, Code: code });
      if (answer.ok) {
        const { status } = checkAnswerSchema.parse(JSON.parse(answer.text));
        return status === "approved" ? "right" : "wrong";
      }
      if (answer.status === notFound) return "expired";
      if (answer.status === tooManyRequests) return "too_many";
      throw new Error(`Twilio Verify answered ${answer.status} to a check`);
    },
  };
}

async function postForm(
  account: TwilioAccount,
  resource: string,
  form: Record<string, string>,
): Promise<PostAnswer> {
  const credentials = base64.encode(new TextEncoder().encode(`${account.accountSid}:${account.authToken}`));
  return await post(
    `${account.baseUrl}/v2/Services/${account.serviceSid}/${resource}`,
    { authorization: `Basic ${credentials}`, "content-type": "application/x-www-form-urlencoded" },
    new URLSearchParams(form).toString(),
  );
}
