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

export function createNewGroupActions(context: ActionContext): NewGroupActions {
  const { kittiwake, store, router, report } = context;
  /** Changes when the screen is left: what is under way then goes on, and its end belongs to no form any more. */
  let visit = {};
  const patch = (change: Partial<NewGroupState>): void =>
    store.update((state) => ({ ...state, newGroup: { ...state.newGroup, ...change } }));

  return {
    resetNewGroup() {
      visit = {};
      store.update((state) => ({ ...state, newGroup: initialNewGroup, people: initialPeople }));
    },
    editNewGroup: (change) => patch({ ...change, error: null }),
    async createGroup() {
      const { newGroup, people } = store.get();
      if (newGroup.isCreating) return;
      const reading = readName(newGroup.name, "Give the group a name.");
      if (!reading.isValid) return patch({ error: { field: "name", sentence: reading.sentence } });
      const begun = visit;
      patch({ isCreating: true, error: null });
      try {
        const conversationId = await kittiwake.createGroup({
          name: reading.name,
          picture: newGroup.picture,
          userIds: people.chosen.map(({ userId }) => userId),
        });
        // Who went elsewhere meanwhile finds the group in the list.
        if (visit === begun) router.go({ screen: "chat", conversationId });
      } catch (error) {
        if (visit !== begun) return report(error);
        patch({ error: { field: null, sentence: errorSentence(error) } });
      } finally {
        if (visit === begun) patch({ isCreating: false });
      }
    },
  };
}
