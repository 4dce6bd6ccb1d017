/** Who is logged in here and on which devices, and the way out. */
import type { JSX } from "preact";
import { BackIcon } from "../shell/icons.tsx";
import { Link } from "../shell/link.tsx";
import { useAppState } from "../state/app-context.ts";
import { formatPhone } from "../text/phone.ts";
import { Devices } from "./devices.tsx";
import { LogOut } from "./log-out.tsx";

export function SettingsPane(): JSX.Element {
  const session = useAppState((state) => state.session);
  return (
    <main class="pane settings-pane">
      <header class="pane-head">
        <Link
          to={{ screen: "chats" }}
          class="icon-button back"
          aria-label="Back to the chats"
          data-testid="back"
        >
          <BackIcon />
        </Link>
        <h1>Settings</h1>
      </header>
      <div class="settings">
        <section class="card" aria-label="Account">
          <dl>
            <dt>Name</dt>
            <dd data-testid="settings-name">{session?.name}</dd>
            <dt>Phone number</dt>
            <dd data-testid="settings-phone">{formatPhone(session?.phone ?? "")}</dd>
          </dl>
        </section>
        <section class="card" aria-labelledby="privacy-title">
          <h2 id="privacy-title">Privacy</h2>
          <p>
            Messages are not encrypted yet. They travel over a secure connection, but the server could read
            them.
          </p>
        </section>
        <Devices />
        <LogOut />
      </div>
    </main>
  );
}
