/** Leaving, after a question; an owner hands the group over with it, because a group is never without one. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Group } from "../../client/contract.ts";
import { useActions, useAppState } from "../state/app-context.ts";
import { roleNames } from "../text/names.ts";
import { formatPhone } from "../text/phone.ts";
import { leaving, successors } from "./permissions.ts";
import { WorkError } from "./work-error.tsx";

export function LeaveGroup({ group }: { group: Group }): JSX.Element | null {
  const [isAsking, setAsking] = useState(false);
  const question = useRef<HTMLElement>(null);
  const how = leaving(group);
  // The button that asked is gone; the focus goes to the first thing to answer with.
  useEffect(() => {
    if (isAsking) question.current?.querySelector<HTMLElement>("select, button")?.focus();
  }, [isAsking]);
  if (how === "not_a_member") return null;
  if (!isAsking) {
    return (
      <button
        type="button"
        class="button button-quiet"
        onClick={() => setAsking(true)}
        data-testid="leave-group"
      >
        Leave group
      </button>
    );
  }
  const stay = (): void => setAsking(false);
  const stayByKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    stay();
  };
  return (
    <section ref={question} class="card" aria-label="Leave group" role="alert" onKeyDown={stayByKey}>
      {how === "allowed" ? <PlainLeave group={group} /> : <HandOver group={group} />}
      <WorkError at="leave" />
      <button type="button" class="text-button" onClick={stay}>
        Stay
      </button>
    </section>
  );
}

function PlainLeave({ group }: { group: Group }): JSX.Element {
  const work = useAppState((state) => state.group?.work ?? null);
  const { leaveGroup } = useActions();
  const isAlone = group.members.every((member) => member.isSelf);
  return (
    <>
      <p>
        {isAlone
          ? "Leave this group? Nobody else is in it; it ends with you. Its messages stay on this device."
          : "Leave this group? The others are told. What was written until then stays on this device."}
      </p>
      <button
        type="button"
        class="button button-danger"
        disabled={work !== null}
        onClick={() => void leaveGroup()}
        data-testid="confirm-leave"
      >
        {work === "leave" ? "Leaving …" : "Leave"}
      </button>
    </>
  );
}

function HandOver({ group }: { group: Group }): JSX.Element {
  const work = useAppState((state) => state.group?.work ?? null);
  const { handOverAndLeave } = useActions();
  const candidates = successors(group);
  const [chosenId, setChosenId] = useState<string | null>(null);
  // Whoever was chosen may have left meanwhile.
  const heir = candidates.find(({ userId }) => userId === chosenId) ?? candidates[0];
  return (
    <>
      <p>You own this group. Hand it over to somebody, then you can leave.</p>
      <label class="field">
        <span>New owner</span>
        <select
          value={heir?.userId}
          disabled={work !== null}
          onChange={(event) => setChosenId(event.currentTarget.value)}
          data-testid="new-owner"
        >
          {candidates.map(({ userId, name, role }) => (
            <option key={userId} value={userId}>
              {`${formatPhone(name)}${roleNames[role] === null ? "" : ` (${roleNames[role]})`}`}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        class="button button-danger"
        disabled={work !== null || heir === undefined}
        onClick={() => heir !== undefined && void handOverAndLeave(heir.userId)}
        data-testid="confirm-leave"
      >
        {work === "leave" ? "Leaving …" : "Hand over and leave"}
      </button>
    </>
  );
}
