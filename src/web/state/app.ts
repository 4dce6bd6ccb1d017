/**
 * Puts the state layer together: the SDK's events, the browser's and the router's become changes of one state, and
 * the actions are all that views may call. Nothing here knows of views.
 */
import type { Kittiwake, KittiwakeEvent } from "../../client/contract.ts";
import { type AccountActions, createAccountActions } from "./account-actions.ts";
import { type AppState, initialState, isSignedIn } from "./app-state.ts";
import { type ChatActions, createChatActions } from "./chat-actions.ts";
import { createConnectionWatch } from "./connection-watch.ts";
import type { ActionContext } from "./context.ts";
import { clearDrafts, loadDrafts } from "./drafts.ts";
import { errorSentence } from "./error-sentence.ts";
import { createGroupActions, type GroupActions } from "./group-actions.ts";
import { createLoginActions, type LoginActions } from "./login-actions.ts";
import { createNewGroupActions, type NewGroupActions } from "./new-group-actions.ts";
import { createOpenChat } from "./open-chat.ts";
import { createOpenGroup } from "./open-group.ts";
import { createPeopleActions, type PeopleActions } from "./people-actions.ts";
import type { Platform } from "./platform.ts";
import { createProfileActions, type ProfileActions } from "./profile-actions.ts";
import { createRefresher } from "./refresher.ts";
import { chatOf, type Route } from "./route.ts";
import { createRouter } from "./router.ts";
import { createStore, type Store } from "./store.ts";

export interface Actions
  extends LoginActions,
    ChatActions,
    AccountActions,
    PeopleActions,
    NewGroupActions,
    GroupActions,
    ProfileActions {
  go(route: Route): void;
  /** Tries to connect now. */
  wake(): void;
  reload(): void;
  dismissProblem(): void;
}

export interface App {
  store: Store<AppState>;
  actions: Actions;
  platform: Platform;
  /** Begins to follow the SDK and the browser; returns what ends it. */
  start(): () => void;
}

export function createApp(kittiwake: Kittiwake, platform: Platform): App {
  const router = createRouter(platform.history);
  const store = createStore(initialState(kittiwake.session, kittiwake.connection, router.current()));
  const report = (error: unknown): void =>
    store.update((state) => ({ ...state, problem: errorSentence(error) }));
  const openChat = createOpenChat({ kittiwake, store, platform, report });
  const openGroup = createOpenGroup({ kittiwake, store, report });
  const conversations = createRefresher(async () => {
    const userId = kittiwake.session?.userId;
    if (userId === undefined) return;
    const read = await kittiwake.conversations();
    // Who logged out meanwhile must not find their chats on the screen again.
    if (kittiwake.session?.userId !== userId) return;
    const newestFirst = [...read].sort((one, other) => other.lastActivityMs - one.lastActivityMs);
    store.update((state) => ({ ...state, conversations: newestFirst }));
  }, report);
  const context = { kittiwake, store, platform, router, openChat, openGroup, conversations, report };

  return {
    store,
    platform,
    actions: {
      ...createLoginActions(context),
      ...createChatActions(context),
      ...createAccountActions(context),
      ...createPeopleActions(context),
      ...createNewGroupActions(context),
      ...createGroupActions(context),
      ...createProfileActions(context),
      go: router.go,
      wake: () => kittiwake.wake(),
      reload: () => platform.reload(),
      dismissProblem: () => store.update((state) => ({ ...state, problem: null })),
    },
    start: () => follow(context),
  };
}

function follow(context: ActionContext): () => void {
  const { kittiwake, store, platform, router } = context;
  const watch = createConnectionWatch(platform, (isAway) =>
    store.update((state) => (state.isAway === isAway ? state : { ...state, isAway })),
  );
  const stops = [
    kittiwake.subscribe((event) => apply(context, event)),
    store.subscribe(() => {
      const { connection, isNetworkUp } = store.get();
      watch.note(connection, isNetworkUp);
    }),
    followRoute(context),
    router.listen((route) => store.update((state) => ({ ...state, route, problem: null }))),
    followBrowser(context),
    watch.stop,
  ];
  store.update((state) => ({
    ...state,
    drafts: loadDrafts(platform.storage),
    isNetworkUp: platform.isNetworkUp(),
  }));
  void context.conversations.refresh();
  return () => {
    for (const stop of stops) stop();
  };
}

function apply(context: ActionContext, event: KittiwakeEvent): void {
  const { kittiwake, store, openChat, openGroup, conversations } = context;
  switch (event.type) {
    case "session":
    case "connection":
      takeStanding(context);
      if (event.type === "session" && kittiwake.session !== null) void conversations.refresh();
      return;
    case "conversations":
    case "profile":
      void conversations.refresh();
      // A chat that was missing may have come, and the title or the unread count of the open one may have changed.
      void openChat.refresh();
      void openGroup.refresh();
      return;
    case "messages":
      void conversations.refresh();
      if (store.get().chat?.conversationId !== event.conversationId) return;
      void openChat.refresh();
      void openGroup.refresh();
  }
}

/** Takes over who is logged in and how the device stands. An account that is gone takes its traces with it. */
function takeStanding({ kittiwake, store, platform }: ActionContext): void {
  const { session, connection } = kittiwake;
  const wasSignedIn = isSignedIn(store.get());
  store.update((state) => ({ ...state, session, connection }));
  if (!wasSignedIn || isSignedIn(store.get())) return;

  clearDrafts(platform.storage);
  const isRevoked = connection.status === "stopped" && connection.reason === "revoked";
  store.update((state) => {
    const blank = initialState(session, connection, state.route);
    const reason = isRevoked ? "This device was logged out. Log in again to see your chats." : null;
    return { ...blank, chat: state.chat, isNetworkUp: state.isNetworkUp, login: { ...blank.login, reason } };
  });
}

/** The route decides which chat is open, and with it which group; without an account none is. */
function followRoute({ store, openChat, openGroup }: ActionContext): () => void {
  const follow = (): void => {
    const state = store.get();
    const conversationId = isSignedIn(state) ? chatOf(state.route) : null;
    openChat.show(conversationId);
    const { chat } = store.get();
    openGroup.show(chat?.summary?.kind === "group" || state.route.screen === "group" ? conversationId : null);
  };
  follow();
  return store.subscribe(follow);
}

function followBrowser({ kittiwake, store, platform, openChat }: ActionContext): () => void {
  let wasForeground = platform.isForeground();
  return platform.onChange(() => {
    const isNetworkUp = platform.isNetworkUp();
    const isForeground = platform.isForeground();
    const isBetter = (isNetworkUp && !store.get().isNetworkUp) || (isForeground && !wasForeground);
    wasForeground = isForeground;
    store.update((state) => (state.isNetworkUp === isNetworkUp ? state : { ...state, isNetworkUp }));
    if (isBetter && isSignedIn(store.get())) kittiwake.wake();
    openChat.noteSeen();
  });
}
