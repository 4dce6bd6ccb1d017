/** Gives the views the app: selected parts of its state, and its actions. Views have no other way to the SDK. */
import { createContext } from "preact";
import { useContext, useLayoutEffect, useReducer, useRef } from "preact/hooks";
import type { Actions, App } from "./app.ts";
import type { AppState } from "./app-state.ts";
import type { Platform } from "./platform.ts";

export const AppContext = createContext<App | null>(null);

function useApp(): App {
  const app = useContext(AppContext);
  if (app === null) throw new Error("A view was rendered outside of AppContext");
  return app;
}

export function useActions(): Actions {
  return useApp().actions;
}

export function usePlatform(): Platform {
  return useApp().platform;
}

/** Renders again when the selected part is another object or value, and only then. */
export function useAppState<Selected>(select: (state: AppState) => Selected): Selected {
  const { store } = useApp();
  const [, renderAgain] = useReducer<number, void>((count) => count + 1, 0);
  const selected = select(store.get());
  const latest = useRef({ select, selected });
  latest.current = { select, selected };

  useLayoutEffect(() => {
    const check = (): void => {
      if (!Object.is(latest.current.select(store.get()), latest.current.selected)) renderAgain();
    };
    check(); // The state may have changed between rendering and subscribing.
    return store.subscribe(check);
  }, [store]);
  return selected;
}
