/** Second step of logging in. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { limits } from "../../protocol/limits.ts";
import { Field } from "../shell/field.tsx";
import { useNow } from "../shell/use-now.ts";
import { useActions, useAppState } from "../state/app-context.ts";
import { formatPhone } from "../text/phone.ts";

export function CodeForm(): JSX.Element {
  const login = useAppState((state) => state.login);
  const { verify, changePhone } = useActions();
  const [code, setCode] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    void verify(code);
  };
  return (
    <form class="form" onSubmit={submit} noValidate>
      <p>
        Enter the code sent to <strong class="nowrap">{formatPhone(login.phone)}</strong>.
      </p>
      {login.developmentCode !== null && (
        <p class="development-code">
          Development code <strong data-testid="development-code">{login.developmentCode}</strong>
        </p>
      )}
      <Field
        isFirst
        label="Code"
        error={login.error?.field === "code" ? login.error.sentence : null}
        input={{
          type: "text",
          inputMode: "numeric",
          autocomplete: "one-time-code",
          class: "code-input",
          // Room for a pasted "123 456".
          maxLength: limits.codeDigits + 2,
          value: code,
          onInput: (event) => setCode(event.currentTarget.value),
          "data-testid": "code-input",
        }}
      />
      <button type="submit" class="button" disabled={login.isBusy} data-testid="verify">
        {login.isBusy ? "One moment …" : "Continue"}
      </button>
      <div class="form-aside">
        <Resend />
        <button type="button" class="text-button" onClick={changePhone}>
          Change number
        </button>
      </div>
    </form>
  );
}

function Resend(): JSX.Element {
  const resendAtMs = useAppState((state) => state.login.resendAtMs);
  const isBusy = useAppState((state) => state.login.isBusy);
  const { resendCode } = useActions();
  const waitSeconds = Math.ceil((resendAtMs - useNow(500)) / 1000);
  return (
    <button
      type="button"
      class="text-button"
      disabled={isBusy || waitSeconds > 0}
      onClick={() => void resendCode()}
      data-testid="resend"
    >
      {waitSeconds > 0 ? `Send again in ${waitSeconds} s` : "Send the code again"}
    </button>
  );
}
