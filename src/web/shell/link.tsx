/** A link to a screen of the app: a real address to copy or open in a tab, and the router's move when just clicked. */
import type { JSX } from "preact";
import { useActions } from "../state/app-context.ts";
import { formatRoute, type Route } from "../state/route.ts";

export interface LinkProps extends Omit<JSX.IntrinsicElements["a"], "href" | "onClick"> {
  to: Route;
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
