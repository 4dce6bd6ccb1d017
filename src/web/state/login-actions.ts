/** Logging in: the phone number and the name, then the code that was sent there. */
import { limits } from "../../protocol/limits.ts";
import { readName } from "../text/names.ts";
import { readPhone } from "../text/phone.ts";
import { initialLogin, type LoginState } from "./app-state.ts";
import type { ActionContext } from "./context.ts";
import { errorSentence } from "./error-sentence.ts";

export interface LoginActions {
  requestCode(phone: string, name: string): Promise<void>;
  resendCode(): Promise<void>;
  /** Back to the first step, with what was entered there. */
  changePhone(): void;
  verify(code: string): Promise<void>;
}

export function createLoginActions({ kittiwake, store, platform, router }: ActionContext): LoginActions {
  const patch = (change: Partial<LoginState>): void =>
    store.update((state) => ({ ...state, login: { ...state.login, ...change } }));

  async function askForCode(phone: string, field: "phone" | "code"): Promise<void> {
    patch({ isBusy: true, error: null });
    try {
      const answer = await kittiwake.requestCode(phone);
      patch({
        step: "code",
        phone,
        developmentCode: answer.developmentCode,
        resendAtMs: platform.nowMs() + limits.codeSendIntervalMs,
        isBusy: false,
      });
    } catch (error) {
      patch({ isBusy: false, error: { field, sentence: errorSentence(error) } });
    }
  }

  return {
    async requestCode(typedPhone, typedName) {
      const reading = readPhone(typedPhone, platform.country);
      const named = readName(typedName, "Enter your name, so that people know who writes.");
      patch({ phone: typedPhone, name: named.isValid ? named.name : typedName.trim() });
      if (!reading.isValid) return patch({ error: { field: "phone", sentence: reading.sentence } });
      if (!named.isValid) return patch({ error: { field: "name", sentence: named.sentence } });
      await askForCode(reading.phone, "phone");
    },
    async resendCode() {
      await askForCode(store.get().login.phone, "code");
    },
    changePhone() {
      patch({ step: "phone", developmentCode: null, error: null });
    },
    async verify(typedCode) {
      const { phone, name } = store.get().login;
      const code = typedCode.replace(/\D/g, "");
      if (code.length !== limits.codeDigits) {
        const sentence = `Enter the ${limits.codeDigits} digits of the code.`;
        return patch({ error: { field: "code", sentence } });
      }
      patch({ isBusy: true, error: null });
      try {
        const session = await kittiwake.verify({ phone, code, deviceName: platform.deviceName, name });
        store.update((state) => ({
          ...state,
          session,
          connection: kittiwake.connection,
          login: initialLogin,
        }));
        router.go({ screen: "chats" });
      } catch (error) {
        patch({ isBusy: false, error: { field: "code", sentence: errorSentence(error) } });
      }
    },
  };
}
