/** Who is in the group, with their roles and what one may do to them. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Group, GroupMember } from "../../client/contract.ts";
import { Avatar } from "../shell/avatar.tsx";
import { useAppState } from "../state/app-context.ts";
import { roleNames } from "../text/names.ts";
import { formatPhone } from "../text/phone.ts";
import { MemberMenu } from "./member-menu.tsx";
import { memberActions } from "./permissions.ts";
import { WorkError } from "./work-error.tsx";

/** A longer list is shown whole only when asked for: each member costs a picture and a menu. */
const shownAtFirst = 60;

export function MemberList({ group }: { group: Group }): JSX.Element {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? group.members : group.members.slice(0, shownAtFirst);
  return (
    <section class="card" aria-labelledby="members-title">
      <h2 id="members-title">Members</h2>
      <ul class="members" data-testid="members">
        {shown.map((member) => (
          <MemberItem key={member.userId} member={member} group={group} />
        ))}
      </ul>
      {shown.length < group.members.length && (
        <button type="button" class="text-button" onClick={() => setWhole(true)} data-testid="all-members">
          {`Show all ${group.members.length} members`}
        </button>
      )}
    </section>
  );
}

function MemberItem({ member, group }: { member: GroupMember; group: Group }): JSX.Element {
  const isBusy = useAppState((state) => state.group?.work === `member ${member.userId}`);
  const name = formatPhone(member.name);
  const phone = formatPhone(member.phone ?? "");
  const role = roleNames[member.role];
  return (
    <li data-testid="member" data-user={member.userId} data-role={member.role}>
      <div class="person">
        <Avatar title={name} id={member.userId} picture={member.picture} />
        <span class="person-text">
          <span class="person-name" dir="auto">
            {member.isSelf ? "You" : name}
          </span>
          {phone !== "" && phone !== name && <span class="person-line">{phone}</span>}
        </span>
        {role !== null && <span class="role">{role}</span>}
        <MemberMenu member={member} actions={memberActions(group.ownRole, member)} />
      </div>
      <p class="person-line" role="status">
        {isBusy ? "Changing …" : ""}
      </p>
      <WorkError at={`member ${member.userId}`} />
    </li>
  );
}
