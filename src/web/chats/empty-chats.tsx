/** What stands in the place of the list before the first chat: what to do. */
import type { JSX } from "preact";
import { useActions, useAppState } from "../state/app-context.ts";
import { formatPhone } from "../text/phone.ts";

export function EmptyChats(): JSX.Element {
  const phone = useAppState((state) => state.session?.phone ?? "");
  const isNewChatOpen = useAppState((state) => state.newChat.isOpen);
  const { openNewChat } = useActions();
  return (
    <div class="empty" data-testid="no-chats">
      <h2>No chats yet</h2>
      <p>
        Start one with somebody's phone number, or give them yours:{" "}
        <strong class="nowrap">{formatPhone(phone)}</strong>
      </p>
      {!isNewChatOpen && (
        <button type="button" class="button" onClick={openNewChat}>
          Start a chat
        </button>
      )}
    </div>
  );
}
