/** Starts a chat by phone number. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Field } from "../shell/field.tsx";
import { useActions, useAppState } from "../state/app-context.ts";

export function NewChat(): JSX.Element {
  const { isBusy, error } = useAppState((state) => state.newChat);
  const { startChat, closeNewChat } = useActions();
  const [phone, setPhone] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    void startChat(phone);
  };
  const leaveByKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    closeNewChat();
  };
  return (
    <form class="form new-chat" aria-label="New chat" onSubmit={submit} onKeyDown={leaveByKey} noValidate>
      <Field
        isFirst
        label="Phone number of the person"
        hint="With country code."
        error={error}
        input={{
          type: "tel",
          autocomplete: "off",
          placeholder: "+1 415 555 0123",
          maxLength: 32,
          value: phone,
          onInput: (event) => setPhone(event.currentTarget.value),
          "data-testid": "new-chat-phone",
        }}
      />
      <div class="form-row">
        <button type="submit" class="button" disabled={isBusy} data-testid="start-chat">
          {isBusy ? "Looking …" : "Start chat"}
        </button>
        <button type="button" class="text-button" onClick={closeNewChat}>
          Cancel
        </button>
      </div>
    </form>
  );
}
