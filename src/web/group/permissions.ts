/**
 * What a role may do in a group, as server and members enforce it (design section 6, E16): owner and admins add and
 * remove members and appoint admins, only the owner removes or dismisses admins, nobody removes the owner, and an
 * owner hands over before leaving. The app offers what this file allows and nothing else.
 */
import type { Group, GroupMember, Role } from "../../client/contract.ts";
import { limits } from "../../protocol/limits.ts";

export type MemberAction = "make_admin" | "dismiss_admin" | "hand_over" | "remove";

/** Name and picture. */
export function mayEditGroup(ownRole: Role | null): boolean {
  return ownRole === "owner" || ownRole === "admin";
}

export function mayAddMembers(ownRole: Role | null): boolean {
  return ownRole === "owner" || ownRole === "admin";
}

/** How many more people the group can take. */
export function freePlaces(memberCount: number): number {
  return Math.max(0, limits.membersPerGroupMax - memberCount);
}

/** What one may do to a member, in the order of a menu: what cannot be undone alone stands last. */
export function memberActions(
  ownRole: Role | null,
  member: Pick<GroupMember, "role" | "isSelf">,
): MemberAction[] {
  if (member.isSelf || member.role === "owner" || !mayEditGroup(ownRole)) return [];
  if (ownRole === "owner") {
    return [member.role === "admin" ? "dismiss_admin" : "make_admin", "hand_over", "remove"];
  }
  return member.role === "member" ? ["make_admin", "remove"] : [];
}

export type Leaving = "allowed" | "hand_over_first" | "not_a_member";

export function leaving(group: Pick<Group, "ownRole" | "members">): Leaving {
  if (group.ownRole === null) return "not_a_member";
  return group.ownRole === "owner" && successors(group).length > 0 ? "hand_over_first" : "allowed";
}

/** Whom an owner can hand the group over to, admins first. */
export function successors(group: Pick<Group, "members">): GroupMember[] {
  const others = group.members.filter((member) => !member.isSelf);
  return [...others.filter(({ role }) => role === "admin"), ...others.filter(({ role }) => role !== "admin")];
}
