/** Adds people to the group, for whoever may. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Group } from "../../client/contract.ts";
import { PeoplePicker } from "../people/people-picker.tsx";
import { useActions, useAppState } from "../state/app-context.ts";
import { freePlaces } from "./permissions.ts";
import { WorkError } from "./work-error.tsx";

export function AddMembers({ group }: { group: Group }): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const { beginChoosing } = useActions();
  const opener = useRef<HTMLButtonElement>(null);
  if (freePlaces(group.members.length) === 0) {
    return <p class="people-note">The group has as many members as it can take.</p>;
  }
  if (isOpen) {
    return (
      <AddForm
        group={group}
        onEnd={() => {
          setOpen(false);
          // The button is on the page again only after the next rendering.
          requestAnimationFrame(() => opener.current?.focus());
        }}
      />
    );
  }
  return (
    <button
      ref={opener}
      type="button"
      class="button button-soft"
      onClick={() => {
        void beginChoosing();
        setOpen(true);
      }}
      data-testid="add-members"
    >
      Add members
    </button>
  );
}

function AddForm({ group, onEnd }: { group: Group; onEnd: () => void }): JSX.Element {
  const chosenCount = useAppState((state) => state.people.chosen.length);
  const work = useAppState((state) => state.group?.work ?? null);
  const { addMembers, dismissGroupError } = useActions();
  const end = (): void => {
    dismissGroupError();
    onEnd();
  };
  const add = async (): Promise<void> => {
    if (await addMembers()) end();
  };
  const leaveByKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    end();
  };
  return (
    <section
      class="card"
      aria-labelledby="add-members-title"
      onKeyDown={leaveByKey}
      data-testid="add-members-form"
    >
      <h2 id="add-members-title">Add members</h2>
      <PeoplePicker excludedIds={new Set(group.members.map(({ userId }) => userId))} />
      <p class="people-note">They can read what is written from then on, nothing from before.</p>
      <WorkError at="add" />
      <div class="form-row">
        <button
          type="button"
          class="button"
          disabled={chosenCount === 0 || work !== null}
          onClick={() => void add()}
          data-testid="confirm-add"
        >
          {work === "add" ? "Exchanging keys …" : "Add to the group"}
        </button>
        <button type="button" class="text-button" onClick={end}>
          Cancel
        </button>
      </div>
    </section>
  );
}
