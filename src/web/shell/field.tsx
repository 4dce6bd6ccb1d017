/** A labelled input with its error below, tied together for screen readers. A new error takes the focus there. */
import type { JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

export interface FieldProps {
  label: string;
  error: string | null;
  hint?: string;
  /** Gets the focus when it comes on screen. */
  isFirst?: boolean;
  input: JSX.IntrinsicElements["input"] & { "data-testid": string };
}

export function Field({ label, error, hint, isFirst = false, input }: FieldProps): JSX.Element {
  const id = useId();
  const element = useRef<HTMLInputElement>(null);
  const note = error ?? hint;
  useEffect(() => {
    if (isFirst) element.current?.focus();
  }, [isFirst]);
  // An error that goes takes no focus: it went because the user is doing something else.
  useEffect(() => {
    if (error !== null) element.current?.focus();
  }, [error]);
  return (
    <div class={error === null ? "field" : "field field-wrong"}>
      <label for={id}>{label}</label>
      <input
        {...input}
        ref={element}
        id={id}
        aria-invalid={error !== null}
        aria-describedby={note === undefined ? undefined : `${id}-note`}
      />
      {note !== undefined && (
        <p id={`${id}-note`} class="field-note" role={error === null ? undefined : "alert"}>
          {note}
        </p>
      )}
    </div>
  );
}
