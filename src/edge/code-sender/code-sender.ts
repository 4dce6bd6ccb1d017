/** How one-time codes reach people. A failure is `code_not_sent`; neither codes nor numbers are ever logged. */

/** Carries a code that we made and check. */
export interface OwnCodeSender {
  holdsCode: false;
  send(phone: string, code: string): Promise<{ development_code?: string }>;
}
/** A service that makes, sends and checks codes itself. Attempts and sends are limited in the Directory all the same. */
export interface CodeService {
  holdsCode: true;
  start(phone: string): Promise<void>;
  check(phone: string, code: string): Promise<"right" | "wrong" | "expired" | "too_many">;
}
export type CodeSender = OwnCodeSender | CodeService;
