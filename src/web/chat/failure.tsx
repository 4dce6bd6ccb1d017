/** Below a message that was not sent: why, and what to do about it. */
import type { JSX } from "preact";
import type { Message } from "../../client/contract.ts";
import { useActions } from "../state/app-context.ts";

export function Failure({ message }: { message: Message }): JSX.Element {
  const { retry, discard } = useActions();
  const { conversationId, messageId } = message;
  return (
    <div class="failure" role="alert">
      <p>Not sent. {message.failure}</p>
      <button
        type="button"
        class="text-button"
        onClick={() => void retry(conversationId, messageId)}
        data-testid="retry"
      >
        Retry
      </button>
      <button
        type="button"
        class="text-button"
        onClick={() => void discard(conversationId, messageId)}
        data-testid="discard"
      >
        Discard
      </button>
    </div>
  );
}
