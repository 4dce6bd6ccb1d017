/** The sender that the configuration names. */
import type { Config } from "../../config.ts";
import type { CodeSender } from "./code-sender.ts";
import { consoleSender } from "./console.ts";
import { twilioVerifier } from "./twilio.ts";
import { webhookSender } from "./webhook.ts";

export function codeSender(config: Config): CodeSender {
  switch (config.CODE_SENDER) {
    case "console":
      return consoleSender;
    case "webhook":
      return webhookSender({ url: config.CODE_WEBHOOK_URL, secret: config.CODE_WEBHOOK_SECRET });
    case "twilio":
      return twilioVerifier({
        baseUrl: config.TWILIO_BASE_URL,
        accountSid: config.TWILIO_ACCOUNT_SID,
        authToken: config.TWILIO_AUTH_TOKEN,
        serviceSid: config.TWILIO_VERIFY_SERVICE_SID,
      });
  }
}
