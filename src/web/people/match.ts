/** Whether a person is meant by what was typed into a search: part of a name, or digits of the number. */
import type { Contact } from "../../client/contract.ts";

export function matches(person: Contact, search: string): boolean {
  const words = plain(search).split(/\s+/).filter(Boolean);
  const digits = search.replaceAll(/\D/g, "");
  if (digits !== "" && person.phone.includes(digits)) return true;
  const name = plain(person.name ?? "");
  return words.every((word) => name.includes(word));
}

/** Lower case and without accents: who types "andre" finds "André". */
function plain(text: string): string {
  return text.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();
}
