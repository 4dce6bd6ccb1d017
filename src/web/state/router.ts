/**
 * Moves between routes and keeps the browser's history short: the chat list at the bottom, at most one screen
 * above it. So the phone's back button always leads from a chat to the list, and from the list out of the app.
 */
import { formatRoute, isSameRoute, parseRoute, type Route } from "./route.ts";

/** The parts of `window` that a router needs. */
export interface HistoryPort {
  location: { hash: string };
  history: {
    readonly state: unknown;
    pushState(data: unknown, unused: string, url: string): void;
    replaceState(data: unknown, unused: string, url: string): void;
    back(): void;
  };
  addEventListener(type: "popstate", listener: () => void): void;
  removeEventListener(type: "popstate", listener: () => void): void;
}

export interface Router {
  current(): Route;
  go(route: Route): void;
  /** Calls back on every later change, whoever made it. */
  listen(listener: (route: Route) => void): () => void;
}

/** Marks a history entry whose predecessor is the chat list. */
const aboveList = { isAboveList: true };

export function createRouter(port: HistoryPort): Router {
  const listeners = new Set<(route: Route) => void>();
  const current = (): Route => parseRoute(port.location.hash);
  const tell = (): void => {
    for (const listener of [...listeners]) listener(current());
  };

  return {
    current,
    go(route) {
      if (isSameRoute(route, current())) return;
      const url = formatRoute(route);
      if (route.screen === "chats") {
        // Going back is told by `popstate`.
        if (isAboveList(port.history.state)) return port.history.back();
        port.history.replaceState(null, "", url);
      } else if (current().screen === "chats") {
        port.history.pushState(aboveList, "", url);
      } else {
        port.history.replaceState(port.history.state, "", url);
      }
      tell();
    },
    listen(listener) {
      if (listeners.size === 0) port.addEventListener("popstate", tell);
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) port.removeEventListener("popstate", tell);
      };
    },
  };
}

function isAboveList(state: unknown): boolean {
  return typeof state === "object" && state !== null && "isAboveList" in state;
}
