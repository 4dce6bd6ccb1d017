/** A picture with the ways to choose, change and remove it. What is chosen comes back as a small JPEG. */
import type { JSX } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { Avatar } from "../shell/avatar.tsx";
import { usePlatform } from "../state/app-context.ts";
import { errorSentence } from "../state/error-sentence.ts";

export interface PictureFieldProps {
  /** What stands in the circle without a picture. */
  title: string;
  id: string;
  picture: Uint8Array | null;
  isBusy: boolean;
  error?: string | null;
  onChange: (picture: Uint8Array | null) => void;
}

export function PictureField(props: PictureFieldProps): JSX.Element {
  const { title, id, picture, isBusy, error = null, onChange } = props;
  const chooser = usePictureChooser(onChange);
  const noteId = useId();
  const input = useRef<HTMLInputElement>(null);
  const note = chooser.error ?? error;
  return (
    <div class="picture-field">
      <Avatar title={title} id={id} picture={picture} size="large" />
      <div class="form-row">
        <button
          type="button"
          class="text-button"
          disabled={isBusy || chooser.isReading}
          aria-describedby={note === null ? undefined : noteId}
          onClick={() => input.current?.click()}
          data-testid="choose-picture"
        >
          {chooseLabel(chooser.isReading, picture !== null)}
        </button>
        {picture !== null && (
          <button
            type="button"
            class="text-button"
            disabled={isBusy || chooser.isReading}
            onClick={() => onChange(null)}
            data-testid="remove-picture"
          >
            Remove picture
          </button>
        )}
        <input
          ref={input}
          type="file"
          accept="image/*"
          hidden
          aria-label="Picture"
          onChange={(event) => void chooser.read(event.currentTarget)}
          data-testid="picture-file"
        />
      </div>
      {note !== null && (
        <p id={noteId} class="field-error" role="alert">
          {note}
        </p>
      )}
    </div>
  );
}

function chooseLabel(isReading: boolean, hasPicture: boolean): string {
  if (isReading) return "Reading the picture …";
  return hasPicture ? "Change picture" : "Choose picture";
}

interface PictureChooser {
  isReading: boolean;
  error: string | null;
  read(input: HTMLInputElement): Promise<void>;
}

function usePictureChooser(onChange: (picture: Uint8Array) => void): PictureChooser {
  const { shrinkPicture } = usePlatform();
  const [isReading, setReading] = useState(false);
  const [error, setError] = useState<string | null>(null);
  return {
    isReading,
    error,
    async read(input) {
      const file = input.files?.[0];
      if (file === undefined) return;
      setReading(true);
      setError(null);
      try {
        onChange(await shrinkPicture(file));
      } catch (failure) {
        setError(errorSentence(failure));
      } finally {
        setReading(false);
        // The same file may be chosen again after it was removed; the browser would otherwise see no change.
        input.value = "";
      }
    },
  };
}
