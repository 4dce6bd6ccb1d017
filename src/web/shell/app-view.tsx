/** The whole app on a page: the login, or the two panes of which a phone shows one. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ChatPane } from "../chat/chat-pane.tsx";
import { ChatsPane } from "../chats/chats-pane.tsx";
import { LoginScreen } from "../login/login-screen.tsx";
import { SettingsPane } from "../settings/settings-pane.tsx";
import type { App } from "../state/app.ts";
import { AppContext, useActions, useAppState } from "../state/app-context.ts";
import { isSignedIn, unreadTotal } from "../state/app-state.ts";
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
  useTitle();
  useEscape();
  useFocusReturn();
  if (!signedIn) return <LoginScreen />;
  return (
    <div class="app">
      <Banner />
      <div class={`panes panes-${route.screen}`}>
        <ChatsPane />
        {route.screen === "chat" && <ChatPane conversationId={route.conversationId} />}
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

/** Escape leaves a chat or the settings. */
function useEscape(): void {
  const { go } = useActions();
  const screen = useAppState((state) => state.route.screen);
  useEffect(() => {
    const leave = (event: KeyboardEvent): void => {
      if (event.key === "Escape" && !event.isComposing && screen !== "chats") go({ screen: "chats" });
    };
    document.addEventListener("keydown", leave);
    return () => document.removeEventListener("keydown", leave);
  }, [screen, go]);
}

/** Back at the list, however one came there, the focus is on what one came from. */
function useFocusReturn(): void {
  const route = useAppState((state) => state.route);
  const left = useRef(route);
  useEffect(() => {
    const origin = left.current;
    left.current = route;
    if (route.screen !== "chats" || origin.screen === "chats") return;
    const selector =
      origin.screen === "settings"
        ? "[data-testid='settings']"
        : `[data-conversation='${origin.conversationId}']`;
    document.querySelector<HTMLElement>(`.chats-pane ${selector}`)?.focus();
  }, [route]);
}
