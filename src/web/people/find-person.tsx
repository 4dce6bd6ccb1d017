/** Adds somebody by phone number, known to this device or not. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Field } from "../shell/field.tsx";
import { useActions, useAppState } from "../state/app-context.ts";

export function FindPerson(): JSX.Element {
  const isFinding = useAppState((state) => state.people.isFinding);
  const error = useAppState((state) => state.people.findError);
  const { findPerson } = useActions();
  const [phone, setPhone] = useState("");
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (await findPerson(phone)) setPhone("");
  };
  return (
    <form
      class="form"
      aria-label="Add by phone number"
      onSubmit={(event) => void submit(event)}
      noValidate
      data-testid="find-person"
    >
      <Field
        // On a touch screen the focus would bring up the keyboard over the contacts.
        isFirst={matchMedia("(hover: hover)").matches}
        label="Add by phone number"
        hint="With country code."
        error={error}
        input={{
          type: "tel",
          autocomplete: "off",
          placeholder: "+1 415 555 0123",
          maxLength: 32,
          value: phone,
          onInput: (event) => setPhone(event.currentTarget.value),
          "data-testid": "person-phone",
        }}
      />
      <div class="form-row">
        <button type="submit" class="button button-soft" disabled={isFinding} data-testid="add-person">
          {isFinding ? "Looking …" : "Add"}
        </button>
      </div>
    </form>
  );
}
