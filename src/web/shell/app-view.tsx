/** The whole app on a page: the login, or the two panes of which a phone shows one. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ChatPane } from "../chat/chat-pane.tsx";
import { ChatsPane } from "../chats/chats-pane.tsx";
import { GroupPane } from "../group/group-pane.tsx";
import { LoginScreen } from "../login/login-screen.tsx";
import { NewGroupPane } from "../people/new-group-pane.tsx";
import { SettingsPane } from "../settings/settings-pane.tsx";
import type { App } from "../state/app.ts";
import { AppContext, useActions, useAppState } from "../state/app-context.ts";
import { isSignedIn, unreadTotal } from "../state/app-state.ts";
import { chatOf, parentOf, type Route } from "../state/route.ts";
import { Banner } from "./banner.tsx";
import { ErrorBoundary } from "./error-boundary.tsx";
import { Gull } from "./icons.tsx";
import { Problem } from "./problem.tsx";

export function AppView({ app }: { app: App }): JSX.Element {
  return (
    <ErrorBoundary>
      <AppContext.Provider value={app}>
        <Screens />
      </AppContext.Provider>
    </ErrorBoundary>
  );
}

function Screens(): JSX.Element {
  const signedIn = useAppState(isSignedIn);
  const route = useAppState((state) => state.route);
  const conversationId = chatOf(route);
  useTitle();
  useEscape();
  useFocusReturn();
  if (!signedIn) return <LoginScreen />;
  return (
    <div class="app">
      <Banner />
      <div class={`panes panes-${route.screen}`}>
        <ChatsPane />
        {conversationId !== null && <ChatPane conversationId={conversationId} />}
        {route.screen === "group" && <GroupPane />}
        {route.screen === "new-group" && <NewGroupPane />}
        {route.screen === "settings" && <SettingsPane />}
        {route.screen === "chats" && <NothingOpen />}
      </div>
      <Problem />
    </div>
  );
}

function NothingOpen(): JSX.Element {
  return (
    <div class="pane nothing-open">
      <Gull />
      <p>Choose a chat, or start a new one.</p>
    </div>
  );
}

function useTitle(): void {
  const unread = useAppState((state) => (isSignedIn(state) ? unreadTotal(state) : 0));
  useEffect(() => {
    document.title = unread === 0 ? "Kittiwake" : `(${unread}) Kittiwake`;
  }, [unread]);
}

/** Escape leaves a screen for the one below it. */
function useEscape(): void {
  const { go } = useActions();
  const route = useAppState((state) => state.route);
  useEffect(() => {
    const leave = (event: KeyboardEvent): void => {
      const below = parentOf(route);
      if (event.key === "Escape" && !event.isComposing && below !== null) go(below);
    };
    document.addEventListener("keydown", leave);
    return () => document.removeEventListener("keydown", leave);
  }, [route, go]);
}

/** Back at a lower screen, however one came there, the focus is on what one came from. */
function useFocusReturn(): void {
  const route = useAppState((state) => state.route);
  const left = useRef(route);
  useEffect(() => {
    const origin = left.current;
    left.current = route;
    const selector = wayTo(origin, route);
    if (selector !== null) document.querySelector<HTMLElement>(selector)?.focus();
  }, [route]);
}

/** The link that leads from a lower screen to the one that was left; null if that was not above it. */
function wayTo(origin: Route, route: Route): string | null {
  const conversationId = chatOf(origin);
  if (route.screen === "chat") {
    return origin.screen === "group" && conversationId === route.conversationId
      ? "[data-testid='group-info']"
      : null;
  }
  if (route.screen !== "chats" || origin.screen === "chats") return null;
  const link =
    conversationId === null ? `[data-testid='${origin.screen}']` : `[data-conversation='${conversationId}']`;
  return `.chats-pane ${link}`;
}
