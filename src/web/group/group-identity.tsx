/** A group's picture and name, with the ways to change them for whoever may. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Group } from "../../client/contract.ts";
import { limits } from "../../protocol/limits.ts";
import { PictureField } from "../picture/picture-field.tsx";
import { Avatar } from "../shell/avatar.tsx";
import { Field } from "../shell/field.tsx";
import { useActions, useAppState } from "../state/app-context.ts";
import { memberCount } from "../text/names.ts";
import { mayEditGroup } from "./permissions.ts";
import { WorkError } from "./work-error.tsx";

export function GroupIdentity({ group }: { group: Group }): JSX.Element {
  const work = useAppState((state) => state.group?.work ?? null);
  const { setGroupPicture } = useActions();
  const { conversationId, name, picture } = group;
  const mayEdit = mayEditGroup(group.ownRole);
  return (
    <section class="card group-identity" aria-label="Name and picture">
      {mayEdit ? (
        <PictureField
          title={name}
          id={conversationId}
          picture={picture}
          isBusy={work !== null}
          onChange={(chosen) => void setGroupPicture(chosen)}
        />
      ) : (
        <Avatar title={name} id={conversationId} picture={picture} size="large" />
      )}
      <p role="status">{work === "picture" ? "Saving the picture …" : ""}</p>
      <WorkError at="picture" />
      <Name group={group} mayEdit={mayEdit} />
      <p>{memberCount(group.members.length)}</p>
    </section>
  );
}

function Name({ group, mayEdit }: { group: Group; mayEdit: boolean }): JSX.Element {
  const [isEditing, setEditing] = useState(false);
  const edit = useRef<HTMLButtonElement>(null);
  if (mayEdit && isEditing) {
    return (
      <NameForm
        group={group}
        onEnd={() => {
          setEditing(false);
          // The button is on the page again only after the next rendering.
          requestAnimationFrame(() => edit.current?.focus());
        }}
      />
    );
  }
  return (
    <>
      <h2 data-testid="group-name">{group.name}</h2>
      {mayEdit && (
        <button
          ref={edit}
          type="button"
          class="text-button"
          onClick={() => setEditing(true)}
          data-testid="rename"
        >
          Change name
        </button>
      )}
    </>
  );
}

function NameForm({ group, onEnd }: { group: Group; onEnd: () => void }): JSX.Element {
  const isSaving = useAppState((state) => state.group?.work === "rename");
  const isBusy = useAppState((state) => (state.group?.work ?? null) !== null);
  const error = useAppState((state) => state.group?.error ?? null);
  const { renameGroup, dismissGroupError } = useActions();
  const [name, setName] = useState(group.name);
  const end = (): void => {
    dismissGroupError();
    onEnd();
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (name.trim() === group.name || (await renameGroup(name))) end();
  };
  const leaveByKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    end();
  };
  return (
    <form
      class="form"
      aria-label="Change name"
      onSubmit={(event) => void submit(event)}
      onKeyDown={leaveByKey}
      noValidate
    >
      <Field
        isFirst
        label="Name of the group"
        error={error?.at === "rename" ? error.sentence : null}
        input={{
          type: "text",
          autocomplete: "off",
          maxLength: limits.nameCharsMax,
          value: name,
          onInput: (event) => setName(event.currentTarget.value),
          "data-testid": "group-name-input",
        }}
      />
      <div class="form-row">
        <button type="submit" class="button" disabled={isBusy} data-testid="save-name">
          {isSaving ? "Saving …" : "Save"}
        </button>
        <button type="button" class="text-button" onClick={end}>
          Cancel
        </button>
      </div>
    </form>
  );
}
