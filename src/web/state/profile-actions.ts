/** The user's own name and picture. */
import type { Profile } from "../../client/contract.ts";
import { readName } from "../text/names.ts";
import type { ActionContext } from "./context.ts";
import { errorSentence } from "./error-sentence.ts";
import type { ProfileState } from "./group-state.ts";

export interface ProfileActions {
  loadProfile(): Promise<void>;
  /** Resolves to whether it was saved. */
  saveProfile(profile: Profile): Promise<boolean>;
}

export function createProfileActions({ kittiwake, store }: ActionContext): ProfileActions {
  const patch = (change: Partial<ProfileState>): void =>
    store.update((state) => ({ ...state, profile: { ...state.profile, ...change } }));

  return {
    async loadProfile() {
      try {
        patch({ profile: await kittiwake.profile(), loadError: null });
      } catch (error) {
        patch({ loadError: errorSentence(error) });
      }
    },
    async saveProfile({ name, picture }) {
      const reading = readName(name, "Enter your name, so that people know who writes.");
      if (!reading.isValid) {
        patch({ error: reading.sentence });
        return false;
      }
      const profile = { name: reading.name, picture };
      patch({ isSaving: true, error: null });
      try {
        await kittiwake.setProfile(profile);
        patch({ profile });
        return true;
      } catch (error) {
        patch({ error: errorSentence(error) });
        return false;
      } finally {
        patch({ isSaving: false });
      }
    },
  };
}
