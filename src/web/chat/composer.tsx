/** Where a message is written. Enter sends, Shift+Enter breaks the line; what is not sent stays as the chat's draft. */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { limits } from "../../protocol/limits.ts";
import { SendIcon } from "../shell/icons.tsx";
import { useActions, useAppState } from "../state/app-context.ts";

export function Composer({ conversationId }: { conversationId: string }): JSX.Element {
  const draft = useAppState((state) => state.drafts[conversationId] ?? "");
  const { write, send } = useActions();
  const input = useRef<HTMLTextAreaElement>(null);
  const excess = draft.trim().length - limits.textCharsMax;
  const canSend = draft.trim() !== "" && excess <= 0;

  // On a touch screen the focus would bring up the keyboard over the messages.
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) input.current?.focus();
  }, []);
  useLayoutEffect(() => grow(input.current), [draft]);

  const submit = (): void => {
    if (!canSend) return;
    void send(conversationId);
    input.current?.focus();
  };
  const sendByKey = (event: KeyboardEvent): void => {
    // While an input method composes, Enter chooses a word.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {excess > 0 && (
        <p class="composer-excess" role="alert">
          This is {excess} {excess === 1 ? "character" : "characters"} too long. Shorten it, or send it in
          parts.
        </p>
      )}
      <textarea
        ref={input}
        rows={1}
        value={draft}
        aria-label="Message"
        placeholder="Message"
        enterkeyhint="send"
        dir="auto"
        onInput={(event) => write(conversationId, event.currentTarget.value)}
        onKeyDown={sendByKey}
        data-testid="composer"
      />
      <button type="submit" class="send" aria-label="Send" disabled={!canSend} data-testid="send">
        <SendIcon />
      </button>
    </form>
  );
}

/** As high as its text; CSS bounds it. */
function grow(input: HTMLTextAreaElement | null): void {
  if (input === null) return;
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight}px`;
}
