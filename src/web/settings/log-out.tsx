/** Logging this device out, after a question: its messages go with it. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useActions, useAppState } from "../state/app-context.ts";

export function LogOut(): JSX.Element {
  const isLoggingOut = useAppState((state) => state.settings.isLoggingOut);
  const { logOut } = useActions();
  const [isAsking, setIsAsking] = useState(false);
  if (!isAsking) {
    return (
      <button
        type="button"
        class="button button-quiet"
        onClick={() => setIsAsking(true)}
        data-testid="log-out"
      >
        Log out
      </button>
    );
  }
  return (
    <section class="card" role="alert">
      <p>
        Log out of this device? Its chats are removed from it, and messages that were not sent yet are lost.
      </p>
      <div class="form-row">
        <button
          type="button"
          class="button button-danger"
          disabled={isLoggingOut}
          onClick={() => void logOut()}
          data-testid="confirm-log-out"
        >
          {isLoggingOut ? "Logging out …" : "Log out"}
        </button>
        <button type="button" class="text-button" onClick={() => setIsAsking(false)}>
          Stay
        </button>
      </div>
    </section>
  );
}
