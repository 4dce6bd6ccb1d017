/**
 * Moves between routes and keeps the browser's history as short as the screens are deep: the chat list at the bottom,
 * a chat above it, what is about the chat above that. So the phone's back button always leads one screen down, and
 * from the list out of the app.
 */
import { depthOf, formatRoute, isSameRoute, parseRoute, type Route } from "./route.ts";

/** The parts of `window` that a router needs. */
export interface HistoryPort {
  location: { hash: string };
  history: {
    readonly state: unknown;
    pushState(data: unknown, unused: string, url: string): void;
    replaceState(data: unknown, unused: string, url: string): void;
    go(delta: number): void;
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

export function createRouter(port: HistoryPort): Router {
  const listeners = new Set<(route: Route) => void>();
  /** Where a way back ends, if not at the screen that the history holds there. */
  let target: Route | null = null;
  const current = (): Route => parseRoute(port.location.hash);
  const tell = (): void => {
    for (const listener of [...listeners]) listener(current());
  };
  const replace = (route: Route): void =>
    port.history.replaceState(port.history.state, "", formatRoute(route));
  const arrive = (): void => {
    if (target !== null && !isSameRoute(target, current())) replace(target);
    target = null;
    tell();
  };

  return {
    current,
    go(route) {
      // On the way there already: a second Escape must not go back twice.
      if (isSameRoute(route, target ?? current())) return;
      const steps = depthOf(route) - depthOf(current());
      const below = entriesBelow(port.history.state);
      if (steps < 0 && below >= -steps) {
        // The browser tells of the arrival later, by `popstate`.
        target = route;
        port.history.go(steps);
        return;
      }
      if (steps > 0) port.history.pushState({ entriesBelow: below + 1 }, "", formatRoute(route));
      else replace(route);
      tell();
    },
    listen(listener) {
      if (listeners.size === 0) port.addEventListener("popstate", arrive);
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) port.removeEventListener("popstate", arrive);
      };
    },
  };
}

/** How many entries of the app the browser's history holds below this one: none when it was entered here. */
function entriesBelow(state: unknown): number {
  if (typeof state !== "object" || state === null || !("entriesBelow" in state)) return 0;
  return typeof state.entriesBelow === "number" ? state.entriesBelow : 0;
}
