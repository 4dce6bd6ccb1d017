/** What the app shows of groups: the one being made, the one on screen, and the people to choose from for either. */
import type { Contact, Group, Profile } from "../../client/contract.ts";

export interface PeopleState {
  /** People this device knows; null until first read. */
  contacts: Contact[] | null;
  contactsError: string | null;
  /** In the order in which they were chosen. */
  chosen: Contact[];
  /** A number is being looked up. */
  isFinding: boolean;
  findError: string | null;
}

export interface NewGroupState {
  step: "people" | "details";
  name: string;
  picture: Uint8Array | null;
  isCreating: boolean;
  /** The field the error belongs to; null: the creating itself. */
  error: { field: "name" | null; sentence: string } | null;
}

/** The change of a group that is under way or failed; one at a time, as every one of them moves the epoch. */
export type GroupWork = "rename" | "picture" | "add" | "leave" | `member ${string}`;

export interface GroupState {
  conversationId: string;
  /** Null until first read. */
  group: Group | null;
  /** There is no such group on this device. */
  isMissing: boolean;
  work: GroupWork | null;
  error: { at: GroupWork; sentence: string } | null;
}

export interface ProfileState {
  /** As stored; null until first read. */
  profile: Profile | null;
  loadError: string | null;
  isSaving: boolean;
  error: string | null;
}

export const initialPeople: PeopleState = {
  contacts: null,
  contactsError: null,
  chosen: [],
  isFinding: false,
  findError: null,
};

export const initialNewGroup: NewGroupState = {
  step: "people",
  name: "",
  picture: null,
  isCreating: false,
  error: null,
};

export const initialProfile: ProfileState = { profile: null, loadError: null, isSaving: false, error: null };

export function openingGroup(conversationId: string): GroupState {
  return { conversationId, group: null, isMissing: false, work: null, error: null };
}
