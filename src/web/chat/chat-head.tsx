/** Who the chat is with. In a group it is the way to what there is to know of the group. */
import type { JSX } from "preact";
import type { ConversationSummary } from "../../client/contract.ts";
import { Avatar } from "../shell/avatar.tsx";
import { BackIcon } from "../shell/icons.tsx";
import { Link } from "../shell/link.tsx";
import { useAppState } from "../state/app-context.ts";
import { memberLine } from "../text/names.ts";
import { formatPhone } from "../text/phone.ts";

export function ChatHead(): JSX.Element {
  const summary = useAppState((state) => state.chat?.summary ?? null);
  return (
    <header class="pane-head chat-head">
      <Link
        to={{ screen: "chats" }}
        class="icon-button back"
        aria-label="Back to the chats"
        data-testid="back"
      >
        <BackIcon />
      </Link>
      {summary?.kind === "group" && <GroupHead summary={summary} />}
      {summary?.kind === "direct" && <PeerHead summary={summary} />}
    </header>
  );
}

function PeerHead({ summary }: { summary: ConversationSummary }): JSX.Element {
  const title = formatPhone(summary.title);
  const phone = formatPhone(summary.peerPhone ?? "");
  return (
    <>
      <Avatar title={title} id={summary.peerId ?? summary.conversationId} picture={summary.picture} />
      <div class="chat-head-text">
        <h1 data-testid="chat-title">{title}</h1>
        {phone !== title && phone !== "" && <p>{phone}</p>}
      </div>
    </>
  );
}

function GroupHead({ summary }: { summary: ConversationSummary }): JSX.Element {
  const members = useAppState((state) => state.group?.group?.members ?? null);
  const { conversationId, title, picture } = summary;
  return (
    <Link
      to={{ screen: "group", conversationId }}
      class="chat-head-link"
      aria-label={`${title}: group info`}
      title="Group info"
      data-testid="group-info"
    >
      <Avatar title={title} id={conversationId} picture={picture} />
      <div class="chat-head-text">
        <h1 data-testid="chat-title">{title}</h1>
        <p data-testid="member-line">{members === null ? "Group" : memberLine(members)}</p>
      </div>
    </Link>
  );
}
