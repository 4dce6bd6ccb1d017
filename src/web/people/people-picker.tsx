/** Chooses people: from those this device knows, and by phone number. Who was chosen stands on top. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Avatar } from "../shell/avatar.tsx";
import { CloseIcon } from "../shell/icons.tsx";
import { useActions, useAppState } from "../state/app-context.ts";
import { contactName } from "../text/names.ts";
import { ContactList } from "./contact-list.tsx";
import { FindPerson } from "./find-person.tsx";

/** `excludedIds`: people who cannot be chosen because they are in the group. */
export function PeoplePicker({ excludedIds }: { excludedIds: ReadonlySet<string> }): JSX.Element {
  return (
    <div class="people">
      <Chosen />
      <FindPerson />
      <ContactList excludedIds={excludedIds} />
    </div>
  );
}

function Chosen(): JSX.Element {
  const chosen = useAppState((state) => state.people.chosen);
  const { togglePerson } = useActions();
  const [announced, setAnnounced] = useState("");
  return (
    <>
      <p class="visually-hidden" role="status">
        {chosen.length === 0 ? announced : `${chosen.length} chosen. ${announced}`}
      </p>
      {chosen.length > 0 && (
        <ul class="chosen" aria-label="Chosen people" data-testid="chosen">
          {chosen.map((person) => (
            <li key={person.userId}>
              <Avatar title={contactName(person)} id={person.userId} picture={null} />
              <span class="chosen-name">{contactName(person)}</span>
              <button
                type="button"
                class="icon-button"
                aria-label={`Do not choose ${contactName(person)}`}
                onClick={() => {
                  togglePerson(person);
                  setAnnounced(`${contactName(person)} is not chosen any more.`);
                }}
              >
                <CloseIcon />
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
