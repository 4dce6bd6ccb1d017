/** Groups as plain values, for FakeKittiwake: what a change leaves, and the refusals that the real rules give. */
import type { Contact, Group, GroupMember, Role } from "../../src/client/contract.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";

const self: GroupMember = {
  userId: "me",
  name: "Ada",
  phone: "+14155550123",
  picture: null,
  role: "owner",
  isSelf: true,
};

export function memberOf(contact: Contact, role: Role = "member"): GroupMember {
  const { userId, name, phone } = contact;
  return { userId, name: name ?? phone, phone, picture: null, role, isSelf: false };
}

export function foundedGroup(
  conversationId: string,
  name: string,
  picture: Uint8Array | null,
  others: Contact[],
): Group {
  const members = [self, ...others.map((contact) => memberOf(contact))];
  return { conversationId, name, picture, ownRole: "owner", members };
}

export function withMembers(group: Group, added: Contact[]): Group {
  if (group.ownRole !== "owner" && group.ownRole !== "admin") throw new ProtocolError("not_allowed");
  return { ...group, members: [...group.members, ...added.map((contact) => memberOf(contact))] };
}

export function withoutMember(group: Group, userId: string): Group {
  const removed = group.members.find((member) => member.userId === userId);
  if (removed === undefined) throw new ProtocolError("bad_roster");
  if (removed.role === "owner" && group.members.length > 1) throw new ProtocolError("not_allowed");
  const members = group.members.filter((member) => member !== removed);
  return { ...group, members, ownRole: removed.isSelf ? null : group.ownRole };
}

/** A new owner leaves the one before as an admin. */
export function withRole(group: Group, userId: string, role: Role): Group {
  const roleOf = (member: GroupMember): Role => {
    if (member.userId === userId) return role;
    return role === "owner" && member.role === "owner" ? "admin" : member.role;
  };
  const members = group.members.map((member) => ({ ...member, role: roleOf(member) }));
  return { ...group, members, ownRole: members.find((member) => member.isSelf)?.role ?? null };
}
