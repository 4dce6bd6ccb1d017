/** The group whose chat is on screen: who is in it, under which name and picture. Read again whenever the SDK tells. */
import type { Kittiwake } from "../../client/contract.ts";
import type { AppState } from "./app-state.ts";
import { type GroupState, openingGroup } from "./group-state.ts";
import { createRefresher } from "./refresher.ts";
import type { Store } from "./store.ts";

export interface OpenGroup {
  /** Follows this chat if it is a group, and forgets the one before; null follows none. */
  show(conversationId: string | null): void;
  refresh(): Promise<void>;
}

export interface OpenGroupContext {
  kittiwake: Kittiwake;
  store: Store<AppState>;
  report: (error: unknown) => void;
}

export function createOpenGroup({ kittiwake, store, report }: OpenGroupContext): OpenGroup {
  const refresher = createRefresher(readAgain, report);

  async function readAgain(): Promise<void> {
    const conversationId = store.get().group?.conversationId;
    if (conversationId === undefined) return;
    const group = await kittiwake.group(conversationId);
    store.update((state) => patchGroup(state, conversationId, { group, isMissing: group === null }));
  }

  return {
    show(conversationId) {
      if ((store.get().group?.conversationId ?? null) === conversationId) return;
      store.update((state) => ({
        ...state,
        group: conversationId === null ? null : openingGroup(conversationId),
      }));
      if (conversationId !== null) void refresher.refresh();
    },
    refresh: () => refresher.refresh(),
  };
}

/** What comes back late may belong to a group that has been left meanwhile. */
export function patchGroup(state: AppState, conversationId: string, change: Partial<GroupState>): AppState {
  if (state.group?.conversationId !== conversationId) return state;
  return { ...state, group: { ...state.group, ...change } };
}
