/**
 * One phone number (named by a keyed hash, so that numbers are stored nowhere): who holds it, and the code being
 * verified. On itty-durable: one small JSON record, rarely touched. Its `autoPersist` would write on every call,
 * reads included, so the record is persisted here, and only when it changed.
 */
import { createDurable } from "itty-durable/itty-durable.js";
import type { Bindings } from "../../src/config.ts";
import {
  confirmCode,
  emptyRecord,
  isForgettable,
  type PhoneRecord,
  type StartOutcome,
  sendsWindowMs,
  startCode,
  type VerifyCall,
  type VerifyOutcome,
  verifyCode,
} from "./phone-record.ts";

/** What itty-durable's own declarations leave open. Own properties other than `state` are what it persists. */
interface IttyDurable {
  state: DurableObjectState;
  fetch(request: Request): Promise<Response>;
  persist(): Promise<void>;
  loadFromStorage(): Promise<void>;
}
const IttyDurable = createDurable({ autoPersist: false }) as unknown as new (
  state: DurableObjectState,
  env: Bindings,
) => IttyDurable;

export class Directory extends IttyDurable {
  record: PhoneRecord = emptyRecord;

  /** A code is to be sent to this number: refused when too many were. */
  async startCode(codeHash: string | null): Promise<StartOutcome> {
    const { record, outcome } = startCode(this.record, Date.now(), codeHash);
    const isStarted = record !== this.record;
    // Both writes belong to one turn, so that no record is left without the alarm that forgets it.
    await Promise.all([
      this.keep(record),
      isStarted && this.state.storage.setAlarm(Date.now() + sendsWindowMs),
    ]);
    return outcome;
  }

  async verifyCode(call: VerifyCall): Promise<VerifyOutcome> {
    const { record, outcome } = verifyCode(this.record, Date.now(), call);
    await this.keep(record);
    return outcome;
  }

  async confirmCode(call: VerifyCall): Promise<VerifyOutcome> {
    const { record, outcome } = confirmCode(this.record, Date.now(), call);
    await this.keep(record);
    return outcome;
  }

  async lookUp(): Promise<{ user_id: string | null }> {
    return { user_id: this.record.user_id };
  }

  /** An hour after the last code: a number that nobody registered leaves nothing behind. */
  async alarm(): Promise<void> {
    await this.loadFromStorage();
    if (isForgettable(this.record, Date.now())) {
      this.record = emptyRecord;
      await this.state.storage.deleteAll();
    }
  }

  async keep(record: PhoneRecord): Promise<void> {
    if (record === this.record) return;
    this.record = record;
    await this.persist();
  }
}
