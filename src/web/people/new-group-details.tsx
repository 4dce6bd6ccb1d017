/** The second step of a new group: its name and, if wanted, its picture. */
import type { JSX } from "preact";
import { limits } from "../../protocol/limits.ts";
import { PictureField } from "../picture/picture-field.tsx";
import { Field } from "../shell/field.tsx";
import { useActions, useAppState } from "../state/app-context.ts";
import { contactName, listNames } from "../text/names.ts";

export function NewGroupDetails(): JSX.Element {
  const { name, picture, isCreating, error } = useAppState((state) => state.newGroup);
  const { editNewGroup, createGroup } = useActions();
  const submit = (event: Event): void => {
    event.preventDefault();
    void createGroup();
  };
  const backByKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    if (!isCreating) editNewGroup({ step: "people" });
  };
  return (
    <form class="form" aria-label="New group" onSubmit={submit} onKeyDown={backByKey} noValidate>
      <PictureField
        title={name}
        id="new-group"
        picture={picture}
        isBusy={isCreating}
        onChange={(chosen) => editNewGroup({ picture: chosen })}
      />
      <Field
        isFirst
        label="Name of the group"
        hint="Everybody in the group sees it; the server does not."
        error={error?.field === "name" ? error.sentence : null}
        input={{
          type: "text",
          autocomplete: "off",
          maxLength: limits.nameCharsMax,
          value: name,
          disabled: isCreating,
          onInput: (event) => editNewGroup({ name: event.currentTarget.value }),
          "data-testid": "group-name-input",
        }}
      />
      <Members />
      {error !== null && error.field === null && (
        <p class="field-error" role="alert" data-testid="create-error">
          {error.sentence}
        </p>
      )}
      <div class="pane-foot">
        <p class="people-note" role="status">
          {isCreating ? "Exchanging keys with everybody’s devices …" : ""}
        </p>
        <button type="submit" class="button" disabled={isCreating} data-testid="create-group">
          {isCreating ? "Creating …" : "Create group"}
        </button>
      </div>
    </form>
  );
}

function Members(): JSX.Element {
  const chosen = useAppState((state) => state.people.chosen);
  return <p class="people-note">{`With ${listNames(chosen.map(contactName), 12)}.`}</p>;
}
