/** What the cheap engine answers: a value, or why there is none. */
import type { Outcome } from "../../src/client/crypto/port.ts";
import type { MlsFailure } from "../../src/client/mls/failures.ts";

export const fail = (failure: MlsFailure): { failure: MlsFailure } => ({ failure });
export const good = <T>(value: T): Outcome<T> => ({ failure: null, value });
