/** What failed apart from any form, until it is dismissed. */
import type { JSX } from "preact";
import { useActions, useAppState } from "../state/app-context.ts";
import { CloseIcon } from "./icons.tsx";

export function Problem(): JSX.Element {
  const problem = useAppState((state) => state.problem);
  const { dismissProblem } = useActions();
  return (
    <div class="problem-place" role="alert">
      {problem !== null && (
        <div class="problem" data-testid="problem">
          <span>{problem}</span>
          <button type="button" class="icon-button" aria-label="Dismiss" onClick={dismissProblem}>
            <CloseIcon />
          </button>
        </div>
      )}
    </div>
  );
}
