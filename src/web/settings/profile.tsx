/** One's own name and picture, which travel encrypted to the people one writes to. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Profile } from "../../client/contract.ts";
import { limits } from "../../protocol/limits.ts";
import { isSamePicture } from "../picture/picture-bytes.ts";
import { PictureField } from "../picture/picture-field.tsx";
import { Field } from "../shell/field.tsx";
import { useActions, useAppState } from "../state/app-context.ts";

export function ProfileCard(): JSX.Element {
  const { profile, loadError } = useAppState((state) => state.profile);
  const { loadProfile } = useActions();
  useEffect(() => void loadProfile(), [loadProfile]);
  return (
    <section class="card" aria-labelledby="profile-title" data-testid="profile">
      <h2 id="profile-title">You</h2>
      {loadError !== null && (
        <p class="card-error" role="alert">
          {loadError}{" "}
          <button type="button" class="text-button" onClick={() => void loadProfile()}>
            Try again
          </button>
        </p>
      )}
      {profile === null && loadError === null && <p>Loading …</p>}
      {profile !== null && <ProfileForm stored={profile} />}
    </section>
  );
}

function ProfileForm({ stored }: { stored: Profile }): JSX.Element {
  const userId = useAppState((state) => state.session?.userId ?? "");
  const { isSaving, error } = useAppState((state) => state.profile);
  const { saveProfile } = useActions();
  const [name, setName] = useState(stored.name);
  const [picture, setPicture] = useState(stored.picture);
  const [isSaved, setSaved] = useState(false);
  const isChanged = name.trim() !== stored.name || !isSamePicture(picture, stored.picture);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setSaved(await saveProfile({ name, picture }));
  };
  return (
    <form class="form" aria-label="Profile" onSubmit={(event) => void submit(event)} noValidate>
      <PictureField title={name} id={userId} picture={picture} isBusy={isSaving} onChange={setPicture} />
      <Field
        label="Your name"
        hint="The people you write to see name and picture; the server does not."
        error={error}
        input={{
          type: "text",
          autocomplete: "name",
          maxLength: limits.nameCharsMax,
          value: name,
          onInput: (event) => setName(event.currentTarget.value),
          "data-testid": "profile-name",
        }}
      />
      <div class="form-row">
        <button type="submit" class="button" disabled={isSaving || !isChanged} data-testid="save-profile">
          {isSaving ? "Saving …" : "Save"}
        </button>
        <p role="status" data-testid="profile-status">
          {isSaved && !isChanged ? "Saved." : ""}
        </p>
      </div>
    </form>
  );
}
