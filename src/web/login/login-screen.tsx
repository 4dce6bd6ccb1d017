/** The way in: phone number and name, then the code. */
import type { JSX } from "preact";
import { Gull } from "../shell/icons.tsx";
import { useAppState } from "../state/app-context.ts";
import { CodeForm } from "./code-form.tsx";
import { PhoneForm } from "./phone-form.tsx";

export function LoginScreen(): JSX.Element {
  const step = useAppState((state) => state.login.step);
  const reason = useAppState((state) => state.login.reason);
  return (
    <main class="login">
      <header class="login-head">
        <Gull />
        <h1>Kittiwake</h1>
      </header>
      {reason !== null && (
        <p class="login-reason" role="alert">
          {reason}
        </p>
      )}
      {step === "phone" ? <PhoneForm /> : <CodeForm />}
      <p class="login-note">Messages are end-to-end encrypted.</p>
    </main>
  );
}
