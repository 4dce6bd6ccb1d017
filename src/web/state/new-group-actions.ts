/** Making a group: people, then name and picture, then the group's chat. */
import { readName } from "../text/names.ts";
import type { ActionContext } from "./context.ts";
import { errorSentence } from "./error-sentence.ts";
import { initialNewGroup, initialPeople, type NewGroupState } from "./group-state.ts";

export interface NewGroupActions {
  /** Begins anew, or drops what was entered when the screen is left. */
  resetNewGroup(): void;
  editNewGroup(change: Partial<Pick<NewGroupState, "step" | "name" | "picture">>): void;
  createGroup(): Promise<void>;
}

export function createNewGroupActions({ kittiwake, store, router }: ActionContext): NewGroupActions {
  const patch = (change: Partial<NewGroupState>): void =>
    store.update((state) => ({ ...state, newGroup: { ...state.newGroup, ...change } }));

  return {
    resetNewGroup: () =>
      store.update((state) => ({ ...state, newGroup: initialNewGroup, people: initialPeople })),
    editNewGroup: (change) => patch({ ...change, error: null }),
    async createGroup() {
      const { newGroup, people } = store.get();
      if (newGroup.isCreating) return;
      const reading = readName(newGroup.name, "Give the group a name.");
      if (!reading.isValid) return patch({ error: { field: "name", sentence: reading.sentence } });
      patch({ isCreating: true, error: null });
      try {
        const conversationId = await kittiwake.createGroup({
          name: reading.name,
          picture: newGroup.picture,
          userIds: people.chosen.map(({ userId }) => userId),
        });
        // Who went elsewhere meanwhile finds the group in the list.
        if (store.get().route.screen === "new-group") router.go({ screen: "chat", conversationId });
      } catch (error) {
        patch({ error: { field: null, sentence: errorSentence(error) } });
      } finally {
        patch({ isCreating: false });
      }
    },
  };
}
