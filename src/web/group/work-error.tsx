/** The sentence of a change of the group that failed, where it was asked for. */
import type { JSX } from "preact";
import { useActions, useAppState } from "../state/app-context.ts";
import type { GroupWork } from "../state/group-state.ts";

export function WorkError({ at }: { at: GroupWork }): JSX.Element | null {
  const error = useAppState((state) => state.group?.error ?? null);
  const { dismissGroupError } = useActions();
  if (error === null || error.at !== at) return null;
  return (
    <p class="field-error" role="alert" data-testid="group-error">
      {error.sentence}{" "}
      <button type="button" class="text-button" onClick={dismissGroupError}>
        Dismiss
      </button>
    </p>
  );
}
