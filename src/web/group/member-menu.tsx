/** What one may do to a member, behind a button; what cannot be undone alone asks first. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { GroupMember } from "../../client/contract.ts";
import { MoreIcon } from "../shell/icons.tsx";
import { useActions, useAppState } from "../state/app-context.ts";
import { formatPhone } from "../text/phone.ts";
import { memberActionText } from "./member-action-text.ts";
import type { MemberAction } from "./permissions.ts";

export interface MemberMenuProps {
  member: GroupMember;
  actions: MemberAction[];
}

export function MemberMenu({ member, actions }: MemberMenuProps): JSX.Element | null {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  if (actions.length === 0) return null;
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="icon-button"
        aria-label={`What to do with ${formatPhone(member.name)}`}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        data-testid="member-menu"
      >
        <MoreIcon />
      </button>
      {isOpen && <Choices member={member} actions={actions} onEnd={close} />}
    </>
  );
}

function Choices({ member, actions, onEnd }: MemberMenuProps & { onEnd: () => void }): JSX.Element {
  const [asking, setAsking] = useState<MemberAction | null>(null);
  const isBusy = useAppState((state) => (state.group?.work ?? null) !== null);
  const apply = useMemberAction(member);
  const place = useRef<HTMLFieldSetElement>(null);
  // The focus follows into the menu, and from a choice to its question.
  useEffect(() => place.current?.querySelector("button")?.focus(), [asking]);

  const choose = (action: MemberAction): void => {
    if (memberActionText(action, member).question !== null && asking !== action) return setAsking(action);
    onEnd();
    void apply(action);
  };
  const leaveByKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    onEnd();
  };
  const shown = asking === null ? actions : [asking];
  return (
    <fieldset class="member-choices" ref={place} onKeyDown={leaveByKey}>
      <legend class="visually-hidden">{`What to do with ${formatPhone(member.name)}`}</legend>
      {asking !== null && <p id="member-question">{memberActionText(asking, member).question}</p>}
      {shown.map((action) => (
        <button
          key={action}
          type="button"
          class={asking === null ? "text-button" : "button button-danger"}
          aria-describedby={asking === null ? undefined : "member-question"}
          disabled={isBusy}
          onClick={() => choose(action)}
          data-testid={asking === null ? `member-${action}` : "confirm-member"}
        >
          {asking === null
            ? memberActionText(action, member).label
            : memberActionText(action, member).confirm}
        </button>
      ))}
      <button type="button" class="text-button" onClick={onEnd}>
        Cancel
      </button>
    </fieldset>
  );
}

function useMemberAction({ userId }: GroupMember): (action: MemberAction) => Promise<boolean> {
  const { removeMember, setRole } = useActions();
  return (action) => {
    switch (action) {
      case "make_admin":
        return setRole(userId, "admin");
      case "dismiss_admin":
        return setRole(userId, "member");
      case "hand_over":
        return setRole(userId, "owner");
      case "remove":
        return removeMember(userId);
    }
  };
}
