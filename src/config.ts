/**
 * The only file that reads vars and secrets: environment in, checked configuration out.
 * A missing or weak secret is an error with a sentence, at the first request, never a silent default.
 */
import { z } from "zod";
import type { Account } from "../durable/account/account.ts";
import type { Conversation } from "../durable/conversation/conversation.ts";
import type { Inbox } from "../durable/inbox/inbox.ts";

/** What wrangler.toml binds. */
export interface Bindings {
  CONVERSATION: DurableObjectNamespace<Conversation>;
  INBOX: DurableObjectNamespace<Inbox>;
  ACCOUNT: DurableObjectNamespace<Account>;
  /** Without its class: itty-durable's objects speak HTTP, not RPC (durable/directory/directory-stub.ts). */
  DIRECTORY: DurableObjectNamespace;
  MEDIA: R2Bucket;
  PUSH: Queue;
  ASSETS: Fetcher;
  AUTH_LIMITER: RateLimit;
  REQUEST_LIMITER: RateLimit;
  ENVIRONMENT?: string;
  SERVER_SECRET?: string;
  CODE_SENDER?: string;
  CODE_WEBHOOK_URL?: string;
  CODE_WEBHOOK_SECRET?: string;
  TWILIO_ACCOUNT_SID?: string;
  TWILIO_AUTH_TOKEN?: string;
  TWILIO_VERIFY_SERVICE_SID?: string;
  TWILIO_BASE_URL?: string;
}

const common = {
  ENVIRONMENT: z.enum(["development", "production"]).default("production"),
  SERVER_SECRET: z
    .string("SERVER_SECRET is not set: run `wrangler secret put SERVER_SECRET` with 32 random bytes in hex")
    .regex(/^[0-9a-f]{64,}$/, "SERVER_SECRET is at least 32 random bytes in lower-case hex"),
};
const twilioBaseUrl = "https://verify.twilio.com";

const configSchema = z.discriminatedUnion("CODE_SENDER", [
  z.object({ ...common, CODE_SENDER: z.literal("console") }),
  z.object({
    ...common,
    CODE_SENDER: z.literal("webhook"),
    CODE_WEBHOOK_URL: z.url({ protocol: /^https?$/ }),
    CODE_WEBHOOK_SECRET: z.string().min(32),
  }),
  z.object({
    ...common,
    CODE_SENDER: z.literal("twilio"),
    TWILIO_ACCOUNT_SID: z.string().min(1),
    TWILIO_AUTH_TOKEN: z.string().min(1),
    TWILIO_VERIFY_SERVICE_SID: z.string().min(1),
    TWILIO_BASE_URL: z.url().default(twilioBaseUrl),
  }),
]);
export type Config = z.infer<typeof configSchema>;

/** Its message names settings and never their values, so it may be logged. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

const parsed = new WeakMap<object, Config>();

/** Parsed once per isolate and environment object. */
export function readConfig(env: Bindings): Config {
  const known = parsed.get(env);
  if (known !== undefined) return known;
  const result = configSchema.safeParse({
    ...env,
    CODE_SENDER: env.CODE_SENDER ?? (env.ENVIRONMENT === "development" ? "console" : undefined),
  });
  if (!result.success) {
    const reasons = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new ConfigurationError(`The configuration is not complete. ${reasons.join("; ")}`);
  }
  if (result.data.ENVIRONMENT === "production") refuseForProduction(result.data);
  parsed.set(env, result.data);
  return result.data;
}

/** Settings that exist for local development only. */
function refuseForProduction(config: Config): void {
  if (config.CODE_SENDER === "console") {
    throw new ConfigurationError(
      "CODE_SENDER=console shows codes to everybody: it is for local development only.",
    );
  }
  if (config.CODE_SENDER === "webhook" && !config.CODE_WEBHOOK_URL.startsWith("https:")) {
    throw new ConfigurationError("CODE_WEBHOOK_URL must be https: codes travel to it.");
  }
  if (config.CODE_SENDER === "twilio" && config.TWILIO_BASE_URL !== twilioBaseUrl) {
    throw new ConfigurationError("TWILIO_BASE_URL is for tests in local development only.");
  }
}
