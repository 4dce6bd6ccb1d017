/** The people this device knows, as check boxes; a long list can be narrowed by name or number. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Contact } from "../../client/contract.ts";
import { Avatar } from "../shell/avatar.tsx";
import { useActions, useAppState } from "../state/app-context.ts";
import { contactName } from "../text/names.ts";
import { formatPhone } from "../text/phone.ts";
import { matches } from "./match.ts";

/** From here on a list is worth searching. */
const searchFrom = 8;

export function ContactList({ excludedIds }: { excludedIds: ReadonlySet<string> }): JSX.Element {
  const contacts = useAppState((state) => state.people.contacts);
  const error = useAppState((state) => state.people.contactsError);
  const ownId = useAppState((state) => state.session?.userId ?? null);
  const [search, setSearch] = useState("");
  if (error !== null) return <ContactsError sentence={error} />;
  if (contacts === null) return <p class="people-note">Reading your contacts …</p>;

  const eligible = contacts.filter(({ userId }) => userId !== ownId && !excludedIds.has(userId));
  if (eligible.length === 0) {
    return (
      <p class="people-note" data-testid="no-contacts">
        {contacts.length === 0
          ? "People you chat with appear here. Add others by their phone number."
          : "Everybody you know is in the group already. Add others by their phone number."}
      </p>
    );
  }
  const shown = eligible.filter((person) => matches(person, search));
  return (
    <fieldset class="contacts">
      <legend>Your contacts</legend>
      {eligible.length >= searchFrom && (
        <input
          type="search"
          class="search"
          aria-label="Search your contacts"
          placeholder="Name or number"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      )}
      {shown.length === 0 && <p class="people-note">Nobody you know is called that.</p>}
      <ul data-testid="contacts">
        {shown.map((person) => (
          <ContactItem key={person.userId} person={person} />
        ))}
      </ul>
    </fieldset>
  );
}

function ContactItem({ person }: { person: Contact }): JSX.Element {
  const isChosen = useAppState((state) => state.people.chosen.some(({ userId }) => userId === person.userId));
  const { togglePerson } = useActions();
  const name = contactName(person);
  const phone = formatPhone(person.phone);
  return (
    <li>
      <label class="person" data-testid="contact">
        <Avatar title={name} id={person.userId} picture={null} />
        <span class="person-text">
          <span class="person-name">{name}</span>
          {phone !== name && <span class="person-line">{phone}</span>}
        </span>
        <input type="checkbox" checked={isChosen} onChange={() => togglePerson(person)} />
      </label>
    </li>
  );
}

function ContactsError({ sentence }: { sentence: string }): JSX.Element {
  const { beginChoosing } = useActions();
  return (
    <p class="people-note card-error" role="alert">
      {sentence}{" "}
      <button type="button" class="text-button" onClick={() => void beginChoosing()}>
        Try again
      </button>
    </p>
  );
}
