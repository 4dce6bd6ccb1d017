/** The line on top that says why messages may be late, and what can be done; see state/connection-watch.ts. */
import type { JSX } from "preact";
import { useActions, useAppState } from "../state/app-context.ts";
import { type Banner as BannerState, bannerOf } from "../state/connection-watch.ts";

const sentences: Record<BannerState["kind"], string> = {
  offline: "You are offline. What you write is sent when you are back.",
  reconnecting: "No connection to Kittiwake. Trying again …",
  catching_up: "Catching up on what you missed …",
  replaced: "This device is connected from another place. Take it back here to go on.",
  unsupported_version: "A newer version of Kittiwake is out. Reload the page to go on.",
};

export function Banner(): JSX.Element {
  const connection = useAppState((state) => state.connection);
  const isAway = useAppState((state) => state.isAway);
  const isNetworkUp = useAppState((state) => state.isNetworkUp);
  const banner = bannerOf(connection, isAway, isNetworkUp);
  // The live region is always there: one that comes with its text is often not read out.
  return (
    <div class="banner-place" role="status">
      {banner !== null && (
        <div class={`banner banner-${banner.kind}`} data-testid="banner" data-kind={banner.kind}>
          <span>{sentences[banner.kind]}</span>
          <BannerAction kind={banner.kind} />
        </div>
      )}
    </div>
  );
}

function BannerAction({ kind }: { kind: BannerState["kind"] }): JSX.Element | null {
  const actions = useActions();
  if (kind === "reconnecting") {
    return (
      <button type="button" class="banner-button" onClick={actions.wake}>
        Try now
      </button>
    );
  }
  if (kind === "replaced" || kind === "unsupported_version") {
    return (
      <button type="button" class="banner-button" onClick={actions.reload}>
        {kind === "replaced" ? "Use here" : "Reload"}
      </button>
    );
  }
  return null;
}
