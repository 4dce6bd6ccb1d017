/** Makes a group in two steps: who is in it, then what it is called. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { BackIcon } from "../shell/icons.tsx";
import { Link } from "../shell/link.tsx";
import { useActions, useAppState } from "../state/app-context.ts";
import { contactName, listNames } from "../text/names.ts";
import { NewGroupDetails } from "./new-group-details.tsx";
import { PeoplePicker } from "./people-picker.tsx";

const nobody: ReadonlySet<string> = new Set();

export function NewGroupPane(): JSX.Element {
  const step = useAppState((state) => state.newGroup.step);
  const { beginChoosing, resetNewGroup } = useActions();
  useEffect(() => {
    void beginChoosing();
    return resetNewGroup;
  }, [beginChoosing, resetNewGroup]);
  return (
    <main class="pane settings-pane" data-testid="new-group-pane">
      <header class="pane-head">
        <BackButton />
        <h1>{step === "people" ? "New group: members" : "New group: name"}</h1>
      </header>
      <div class="settings">
        {step === "people" ? (
          <>
            <PeoplePicker excludedIds={nobody} />
            <NextStep />
          </>
        ) : (
          <NewGroupDetails />
        )}
      </div>
    </main>
  );
}

/** From the second step back to the first, from there to the chats. Shown on a wide page too, unlike in a chat. */
function BackButton(): JSX.Element {
  const step = useAppState((state) => state.newGroup.step);
  const isCreating = useAppState((state) => state.newGroup.isCreating);
  const { editNewGroup } = useActions();
  if (step === "people") {
    return (
      <Link
        to={{ screen: "chats" }}
        class="icon-button back back-always"
        aria-label="Back to the chats"
        data-testid="back"
      >
        <BackIcon />
      </Link>
    );
  }
  return (
    <button
      type="button"
      class="icon-button back back-always"
      aria-label="Back to the members"
      disabled={isCreating}
      onClick={() => editNewGroup({ step: "people" })}
      data-testid="back"
    >
      <BackIcon />
    </button>
  );
}

function NextStep(): JSX.Element {
  const chosen = useAppState((state) => state.people.chosen);
  const { editNewGroup } = useActions();
  return (
    <div class="pane-foot">
      <p class="people-note">
        {chosen.length === 0 ? "Choose at least one person." : `With ${listNames(chosen.map(contactName))}.`}
      </p>
      <button
        type="button"
        class="button"
        disabled={chosen.length === 0}
        onClick={() => editNewGroup({ step: "details" })}
        data-testid="next"
      >
        Next
      </button>
    </div>
  );
}
