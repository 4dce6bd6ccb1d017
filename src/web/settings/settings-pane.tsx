/** Who is logged in here, under which name and picture, on which devices, and the way out. */
import type { JSX } from "preact";
import { BackIcon } from "../shell/icons.tsx";
import { Link } from "../shell/link.tsx";
import { useAppState } from "../state/app-context.ts";
import { formatPhone } from "../text/phone.ts";
import { Devices } from "./devices.tsx";
import { LogOut } from "./log-out.tsx";
import { ProfileCard } from "./profile.tsx";

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
        <ProfileCard />
        <section class="card" aria-label="Account">
          <dl>
            <dt>Phone number</dt>
            <dd data-testid="settings-phone">{formatPhone(session?.phone ?? "")}</dd>
          </dl>
        </section>
        <section class="card" aria-labelledby="privacy-title">
          <h2 id="privacy-title">Privacy</h2>
          <p>
            Messages, names and pictures are end-to-end encrypted: the server carries them and cannot read
            them. It does see who is in a chat, and who sends when.
          </p>
          <p>
            You cannot compare safety numbers with the people you chat with yet. Until you can, you rely on
            the server for handing out the right keys when a chat begins.
          </p>
        </section>
        <Devices />
        <LogOut />
      </div>
    </main>
  );
}
