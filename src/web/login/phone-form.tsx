/** First step of logging in. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Field } from "../shell/field.tsx";
import { useActions, useAppState, usePlatform } from "../state/app-context.ts";
import { formatPhone, readPhone } from "../text/phone.ts";

export function PhoneForm(): JSX.Element {
  const login = useAppState((state) => state.login);
  const { requestCode } = useActions();
  const { country } = usePlatform();
  const [phone, setPhone] = useState(formatPhone(login.phone));
  const [name, setName] = useState(login.name);
  const errorOf = (field: "phone" | "name"): string | null =>
    login.error?.field === field ? login.error.sentence : null;

  const tidy = (): void => {
    const reading = readPhone(phone, country);
    if (reading.isValid) setPhone(formatPhone(reading.phone));
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void requestCode(phone, name);
  };
  return (
    <form class="form" onSubmit={submit} noValidate>
      <Field
        isFirst
        label="Phone number"
        hint="With country code. You get a code to confirm it."
        error={errorOf("phone")}
        input={{
          type: "tel",
          autocomplete: "tel",
          placeholder: "+1 415 555 0123",
          maxLength: 32,
          value: phone,
          onInput: (event) => setPhone(event.currentTarget.value),
          onBlur: tidy,
          "data-testid": "phone-input",
        }}
      />
      <Field
        label="Your name"
        hint="Shown to the people you write to."
        error={errorOf("name")}
        input={{
          type: "text",
          autocomplete: "name",
          value: name,
          onInput: (event) => setName(event.currentTarget.value),
          "data-testid": "name-input",
        }}
      />
      <button type="submit" class="button" disabled={login.isBusy} data-testid="request-code">
        {login.isBusy ? "Sending the code …" : "Send code"}
      </button>
    </form>
  );
}
