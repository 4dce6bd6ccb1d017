/** The left pane on a wide page, the first screen on a phone: the chat list and the ways to a new chat or group. */
import type { JSX } from "preact";
import { NewChatIcon, NewGroupIcon, SettingsIcon } from "../shell/icons.tsx";
import { Link } from "../shell/link.tsx";
import { useActions, useAppState } from "../state/app-context.ts";
import { ChatList } from "./chat-list.tsx";
import { NewChat } from "./new-chat.tsx";

export function ChatsPane(): JSX.Element {
  const isNewChatOpen = useAppState((state) => state.newChat.isOpen);
  const { openNewChat } = useActions();
  return (
    <section class="pane chats-pane" aria-label="Chats">
      <header class="pane-head">
        <h1>Kittiwake</h1>
        <Link to={{ screen: "settings" }} class="icon-button" aria-label="Settings" data-testid="settings">
          <SettingsIcon />
        </Link>
        <Link to={{ screen: "new-group" }} class="icon-button" aria-label="New group" data-testid="new-group">
          <NewGroupIcon />
        </Link>
        <button
          type="button"
          class="icon-button icon-button-main"
          aria-label="New chat"
          aria-expanded={isNewChatOpen}
          onClick={openNewChat}
          data-testid="new-chat"
        >
          <NewChatIcon />
        </button>
      </header>
      {isNewChatOpen && <NewChat />}
      <ChatList />
    </section>
  );
}
