/** A link to a screen of the app: a real address to copy or open in a tab, and the router's move when just clicked. */
import type { ComponentChildren, JSX } from "preact";
import { useActions } from "../state/app-context.ts";
import { formatRoute, type Route } from "../state/route.ts";

/** What the app's links carry besides; any `data-` attribute is allowed in JSX. */
export interface LinkProps {
  to: Route;
  class: string;
  children: ComponentChildren;
  tabIndex?: number;
  title?: string;
  "aria-label"?: string;
  "aria-current"?: "page" | undefined;
}

export function Link({ to, ...rest }: LinkProps): JSX.Element {
  const { go } = useActions();
  return (
    <a
      {...rest}
      href={formatRoute(to)}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        go(to);
      }}
    />
  );
}
