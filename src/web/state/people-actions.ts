/** Choosing people for a group: from those this device knows, and by phone number. */
import type { Contact } from "../../client/contract.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { freePlaces } from "../group/permissions.ts";
import { contactName } from "../text/names.ts";
import { formatPhone, readPhone } from "../text/phone.ts";
import type { AppState } from "./app-state.ts";
import type { ActionContext } from "./context.ts";
import { errorSentence } from "./error-sentence.ts";
import { initialPeople, type PeopleState } from "./group-state.ts";

export interface PeopleActions {
  /** Begins to choose: nobody is chosen, and the people known are read. */
  beginChoosing(): Promise<void>;
  togglePerson(person: Contact): void;
  /** Looks a number up and chooses whoever has it; true if somebody was. */
  findPerson(phone: string): Promise<boolean>;
}

export function createPeopleActions({ kittiwake, store, platform }: ActionContext): PeopleActions {
  const patch = (change: Partial<PeopleState>): void =>
    store.update((state) => ({ ...state, people: { ...state.people, ...change } }));

  /** Why this person cannot be chosen, or null. */
  function objection(person: Contact): string | null {
    const state = store.get();
    const name = contactName(person);
    if (person.userId === state.session?.userId) return ownNumber;
    if (membersBeside(state).has(person.userId)) return `${name} is in the group already.`;
    if (state.people.chosen.some(({ userId }) => userId === person.userId)) {
      return `You have chosen ${name} already.`;
    }
    return placesLeft(state) > 0 ? null : "The group has as many members as it can take.";
  }

  function choose(person: Contact): boolean {
    const findError = objection(person);
    if (findError === null) patch({ chosen: [...store.get().people.chosen, person], findError: null });
    else patch({ findError });
    return findError === null;
  }

  return {
    async beginChoosing() {
      patch(initialPeople);
      try {
        patch({ contacts: await kittiwake.contacts() });
      } catch (error) {
        patch({ contactsError: errorSentence(error) });
      }
    },
    togglePerson(person) {
      const { chosen } = store.get().people;
      const others = chosen.filter(({ userId }) => userId !== person.userId);
      if (others.length < chosen.length) patch({ chosen: others, findError: null });
      else choose(person);
    },
    async findPerson(typed) {
      const reading = readPhone(typed, platform.country);
      if (!reading.isValid) {
        patch({ findError: reading.sentence });
        return false;
      }
      if (reading.phone === store.get().session?.phone) {
        patch({ findError: ownNumber });
        return false;
      }
      patch({ isFinding: true, findError: null });
      try {
        return choose(await kittiwake.findUser(reading.phone));
      } catch (error) {
        patch({ findError: findSentence(error, reading.phone) });
        return false;
      } finally {
        patch({ isFinding: false });
      }
    },
  };
}

const ownNumber = "This is your own number. You are in the group anyway.";

function findSentence(error: unknown, phone: string): string {
  if (error instanceof ProtocolError && error.code === "unknown_user") {
    return `Nobody with the number ${formatPhone(phone)} is here yet. Check it, or invite them to Kittiwake.`;
  }
  return errorSentence(error);
}

/** The members of the group that people are chosen for: none while it is being made. */
function membersBeside(state: AppState): Set<string> {
  const members = state.route.screen === "group" ? (state.group?.group?.members ?? []) : [];
  return new Set(members.map(({ userId }) => userId));
}

export function placesLeft(state: AppState): number {
  // Whoever makes a group is in it.
  return freePlaces(Math.max(1, membersBeside(state).size) + state.people.chosen.length);
}
