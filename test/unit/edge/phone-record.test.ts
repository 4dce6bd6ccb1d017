/** The Directory's rules on their own: sends, attempts, who may repeat what. */
import { expect, test } from "vitest";
import {
  confirmCode,
  emptyRecord,
  isForgettable,
  type PhoneRecord,
  sendsWindowMs,
  startCode,
  verifyCode,
} from "../../../durable/directory/phone-record.ts";
import { limits } from "../../../src/protocol/limits.ts";

const now = 1_800_000_000_000;

function call(code_hash: string, installation_id = "i1", candidate_user_id = "u1") {
  return { code_hash, installation_id, candidate_user_id };
}
function started(hash: string | null, record: PhoneRecord = emptyRecord, at = now): PhoneRecord {
  const step = startCode(record, at, hash);
  expect(step.outcome).toEqual({ started: true });
  return step.record;
}

test("a new code replaces the old one and its attempts", () => {
  const tired = verifyCode(started("a"), now, call("x")).record;
  expect(tired.code?.attempts).toBe(1);
  const fresh = started("b", tired, now + limits.codeSendIntervalMs);
  expect(verifyCode(fresh, now + limits.codeSendIntervalMs, call("a")).outcome).toMatchObject({
    refused: { code: "wrong_code" },
  });
  expect(verifyCode(fresh, now + limits.codeSendIntervalMs, call("b")).outcome).toEqual({ user_id: "u1" });
});

test("the first to verify decides who the number belongs to, for good", () => {
  const first = verifyCode(started("a"), now, call("a")).record;
  const later = started("b", first, now + limits.codeSendIntervalMs);
  const second = verifyCode(later, now + limits.codeSendIntervalMs, call("b", "i2", "u2"));
  expect(second.outcome).toEqual({ user_id: "u1" });
});

test("a right code repeated by its installation changes nothing that counts", () => {
  const first = verifyCode(started("a"), now, call("a")).record;
  for (let again = 0; again < limits.codeAttemptsMax * 2; again += 1) {
    expect(verifyCode(first, now, call("a")).record).toEqual(first);
  }
});

test("refusals leave the record as it was, so that nothing is written", () => {
  const record = started("a");
  expect(startCode(record, now + 1, "b").record).toBe(record);
  expect(verifyCode(record, now + limits.codeLifetimeMs, call("a")).record).toBe(record);
  expect(verifyCode(emptyRecord, now, call("a")).record).toBe(emptyRecord);
});

test("a code held elsewhere is asked about, counted, and confirmed for one installation", () => {
  const asked = verifyCode(started(null), now, call("a"));
  expect(asked.outcome).toEqual({ ask: true });
  const confirmed = confirmCode(asked.record, now, call("a"));
  expect(confirmed.outcome).toEqual({ user_id: "u1" });
  expect(confirmed.record.code?.attempts).toBe(0);
  expect(confirmCode(asked.record, now + limits.codeLifetimeMs, call("a")).outcome).toMatchObject({
    refused: { code: "code_expired" },
  });
  expect(verifyCode(confirmed.record, now, call("a", "i2")).outcome).toMatchObject({
    refused: { code: "code_expired" },
  });
});

test("a number is forgotten after the hour, and never while somebody holds it", () => {
  const record = started("a");
  expect(isForgettable(record, now + sendsWindowMs - 1)).toBe(false);
  expect(isForgettable(record, now + sendsWindowMs)).toBe(true);
  const held = verifyCode(record, now, call("a")).record;
  expect(isForgettable(held, now + sendsWindowMs)).toBe(false);
});
