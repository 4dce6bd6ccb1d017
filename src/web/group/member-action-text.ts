/** The words of a member's menu. */
import type { GroupMember } from "../../client/contract.ts";
import { formatPhone } from "../text/phone.ts";
import type { MemberAction } from "./permissions.ts";

export interface MemberActionText {
  label: string;
  /** Asked first; null for what is done at once, because the same menu takes it back. */
  question: string | null;
  confirm: string;
}

export function memberActionText(action: MemberAction, member: Pick<GroupMember, "name">): MemberActionText {
  const name = formatPhone(member.name);
  switch (action) {
    case "make_admin":
      return { label: "Make admin", question: null, confirm: "Make admin" };
    case "dismiss_admin":
      return { label: "Dismiss as admin", question: null, confirm: "Dismiss as admin" };
    case "hand_over":
      return {
        label: "Hand the group over",
        question: `Hand the group over to ${name}? You stay in it as an admin; only ${name} can give it back.`,
        confirm: "Hand over",
      };
    case "remove":
      return {
        label: "Remove from the group",
        question: `Remove ${name}? They keep what they have read and can read nothing that is written from then on.`,
        confirm: "Remove",
      };
  }
}
