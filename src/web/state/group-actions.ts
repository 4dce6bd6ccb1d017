/**
 * What the user changes in the group on screen. One change at a time: each is a commit, and the next one is made in
 * the epoch it leads to. A change that fails leaves its sentence where it was asked for.
 */
import type { Role } from "../../client/contract.ts";
import { readName } from "../text/names.ts";
import type { ActionContext } from "./context.ts";
import { errorSentence } from "./error-sentence.ts";
import type { GroupWork } from "./group-state.ts";
import { patchGroup } from "./open-group.ts";

/** All resolve to whether it was done. */
export interface GroupActions {
  renameGroup(name: string): Promise<boolean>;
  setGroupPicture(picture: Uint8Array | null): Promise<boolean>;
  /** Adds the people who were chosen. */
  addMembers(): Promise<boolean>;
  removeMember(userId: string): Promise<boolean>;
  setRole(userId: string, role: Role): Promise<boolean>;
  leaveGroup(): Promise<boolean>;
  /** For an owner: the group goes to this member first. */
  handOverAndLeave(userId: string): Promise<boolean>;
  dismissGroupError(): void;
}

export function createGroupActions(context: ActionContext): GroupActions {
  const { kittiwake, store } = context;

  const change = (at: GroupWork, work: (conversationId: string) => Promise<void>): Promise<boolean> =>
    runChange(context, at, work);

  return {
    async renameGroup(typed) {
      const reading = readName(typed, "Give the group a name.");
      if (!reading.isValid) {
        const error = { at: "rename" as const, sentence: reading.sentence };
        store.update((state) =>
          state.group === null ? state : { ...state, group: { ...state.group, error } },
        );
        return false;
      }
      return await change("rename", (id) => kittiwake.renameGroup(id, reading.name));
    },
    setGroupPicture: (picture) => change("picture", (id) => kittiwake.setGroupPicture(id, picture)),
    async addMembers() {
      const userIds = store.get().people.chosen.map(({ userId }) => userId);
      if (userIds.length === 0) return false;
      return await change("add", (id) => kittiwake.addMembers(id, userIds));
    },
    removeMember: (userId) => change(`member ${userId}`, (id) => kittiwake.removeMember(id, userId)),
    setRole: (userId, role) => change(`member ${userId}`, (id) => kittiwake.setRole(id, userId, role)),
    leaveGroup: () => change("leave", (id) => kittiwake.leaveGroup(id)),
    handOverAndLeave: (userId) =>
      change("leave", async (id) => {
        await kittiwake.setRole(id, userId, "owner");
        await kittiwake.leaveGroup(id);
      }),
    dismissGroupError: () =>
      store.update((state) =>
        state.group === null || state.group.error === null
          ? state
          : { ...state, group: { ...state.group, error: null } },
      ),
  };
}

async function runChange(
  { kittiwake, store, openGroup }: ActionContext,
  at: GroupWork,
  work: (conversationId: string) => Promise<void>,
): Promise<boolean> {
  const open = store.get().group;
  if (open === null || open.work !== null) return false;
  const { conversationId } = open;
  store.update((state) => patchGroup(state, conversationId, { work: at, error: null }));
  try {
    await work(conversationId);
    return true;
  } catch (error) {
    const sentence = errorSentence(error);
    store.update((state) => patchGroup(state, conversationId, { error: { at, sentence } }));
    return false;
  } finally {
    // Also after a failure: what it failed on is often that the group is not what was on screen.
    if (kittiwake.session !== null) await openGroup.refresh();
    store.update((state) => patchGroup(state, conversationId, { work: null }));
  }
}
