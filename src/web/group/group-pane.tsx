/** What there is to know of a group, and what one's role lets one change: picture, name, members, leaving. */
import type { JSX } from "preact";
import type { Group } from "../../client/contract.ts";
import { CloseIcon } from "../shell/icons.tsx";
import { Link } from "../shell/link.tsx";
import { useAppState } from "../state/app-context.ts";
import type { GroupState } from "../state/group-state.ts";
import { AddMembers } from "./add-members.tsx";
import { GroupIdentity } from "./group-identity.tsx";
import { LeaveGroup } from "./leave-group.tsx";
import { MemberList } from "./member-list.tsx";
import { mayAddMembers } from "./permissions.ts";

export function GroupPane(): JSX.Element | null {
  const state = useAppState((app) => app.group);
  if (state === null) return null;
  const { conversationId } = state;
  return (
    <aside class="pane group-pane" aria-label="Group info" data-testid="group-pane">
      <header class="pane-head">
        <Link
          to={{ screen: "chat", conversationId }}
          class="icon-button"
          aria-label="Close group info"
          data-testid="close-group"
        >
          <CloseIcon />
        </Link>
        <h1>Group info</h1>
      </header>
      <div class="settings">
        {state.group === null ? (
          <NoGroup state={state} />
        ) : (
          <Parts key={conversationId} group={state.group} />
        )}
      </div>
    </aside>
  );
}

function NoGroup({ state }: { state: GroupState }): JSX.Element {
  return state.isMissing ? (
    <div class="empty">
      <h2>This group is not on this device</h2>
      <p>It may still be on its way. Otherwise choose another chat from the list.</p>
    </div>
  ) : (
    <p class="people-note">Reading the group …</p>
  );
}

function Parts({ group }: { group: Group }): JSX.Element {
  return (
    <>
      <GroupIdentity group={group} />
      {group.ownRole === null && (
        <p class="people-note" data-testid="not-a-member">
          You are no longer a member of this group.
        </p>
      )}
      {mayAddMembers(group.ownRole) && <AddMembers group={group} />}
      <MemberList group={group} />
      <LeaveGroup group={group} />
    </>
  );
}
