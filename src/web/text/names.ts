/** Names of people and groups, as they are typed, shown and listed in a sentence. */
import type { Contact, GroupMember, Role } from "../../client/contract.ts";
import { limits } from "../../protocol/limits.ts";
import { formatPhone } from "./phone.ts";

export type NameReading = { isValid: true; name: string } | { isValid: false; sentence: string };

/** `missing` is the sentence for no name at all. */
export function readName(typed: string, missing: string): NameReading {
  const name = typed.trim().replaceAll(/\s+/g, " ");
  if (name === "") return { isValid: false, sentence: missing };
  if (name.length > limits.nameCharsMax) {
    return { isValid: false, sentence: `Use at most ${limits.nameCharsMax} characters.` };
  }
  return { isValid: true, name };
}

export function contactName(person: Pick<Contact, "name" | "phone">): string {
  return person.name ?? formatPhone(person.phone);
}

/** "Grace", "Grace and Linus", "Grace, Linus and Ada"; from one more than `shownMax` on "Grace, Linus and 7 others". */
export function listNames(names: readonly string[], shownMax = 4): string {
  const shown = names.length > shownMax ? names.slice(0, shownMax - 1) : names;
  const restCount = names.length - shown.length;
  const parts = [...shown.map(formatPhone), ...(restCount > 0 ? [`${restCount} others`] : [])];
  const last = parts.pop();
  return parts.length === 0 ? (last ?? "") : `${parts.join(", ")} and ${last}`;
}

/** The line below a group's name: everybody, oneself last. The line is cut where the screen ends. */
export function memberLine(members: readonly Pick<GroupMember, "name" | "isSelf">[]): string {
  const others = members.filter((member) => !member.isSelf).map((member) => formatPhone(member.name));
  return [...others, ...(members.some((member) => member.isSelf) ? ["You"] : [])].join(", ");
}

export function memberCount(count: number): string {
  return count === 1 ? "1 member" : `${count} members`;
}

/** The mark beside a member's name; ordinary members have none. */
export const roleNames: Record<Role, string | null> = { owner: "Owner", admin: "Admin", member: null };
