/** Configuration: what production refuses, and that a message names a setting and never its value. */
import { describe, expect, test } from "vitest";
import { type Bindings, ConfigurationError, readConfig } from "../../../src/config.ts";

const secret = "0f".repeat(32);
const webhook = {
  CODE_SENDER: "webhook",
  CODE_WEBHOOK_URL: "https://codes.example/send",
  CODE_WEBHOOK_SECRET: "w".repeat(32),
};
const twilio = {
  CODE_SENDER: "twilio",
  TWILIO_ACCOUNT_SID: "AC1",
  TWILIO_AUTH_TOKEN: "t",
  TWILIO_VERIFY_SERVICE_SID: "VA1",
};

function read(settings: Partial<Bindings>) {
  return readConfig({ SERVER_SECRET: secret, ...settings } as Bindings);
}

describe("production", () => {
  test("refuses codes on the console", () => {
    expect(() => read({ ENVIRONMENT: "production", CODE_SENDER: "console" })).toThrow(ConfigurationError);
  });
  test("is assumed when nothing is said, and then there is no sender by default", () => {
    expect(() => read({})).toThrow(/CODE_SENDER/);
    expect(() => read({ CODE_SENDER: "console" })).toThrow(/local development only/);
  });
  test("refuses a webhook without TLS, and another address for Twilio", () => {
    expect(() => read({ ...webhook, CODE_WEBHOOK_URL: "http://codes.example" })).toThrow(/https/);
    expect(() => read({ ...twilio, TWILIO_BASE_URL: "https://elsewhere.example" })).toThrow(
      /TWILIO_BASE_URL/,
    );
  });
  test("takes a complete webhook or Twilio account", () => {
    expect(read(webhook).CODE_SENDER).toBe("webhook");
    expect(read(twilio)).toMatchObject({ TWILIO_BASE_URL: "https://verify.twilio.com" });
  });
});

describe("development", () => {
  test("shows codes on the console unless told otherwise", () => {
    expect(read({ ENVIRONMENT: "development" }).CODE_SENDER).toBe("console");
  });
  test("may send to local fakes", () => {
    const environment = { ENVIRONMENT: "development" };
    expect(read({ ...environment, ...webhook, CODE_WEBHOOK_URL: "http://127.0.0.1:9" }).CODE_SENDER).toBe(
      "webhook",
    );
    expect(read({ ...environment, ...twilio, TWILIO_BASE_URL: "http://127.0.0.1:9" }).CODE_SENDER).toBe(
      "twilio",
    );
  });
});

test("a missing or weak secret is an error that does not show it", () => {
  const environment = { ENVIRONMENT: "development" };
  expect(() => readConfig({ ...environment } as Bindings)).toThrow(/SERVER_SECRET is not set/);
  expect(() => read({ ...environment, SERVER_SECRET: "hunter2" })).toThrow(/at least 32 random bytes/);
  expect(() => read({ ...environment, SERVER_SECRET: "hunter2" })).not.toThrow(/hunter2/);
});
