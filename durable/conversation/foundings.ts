/**
 * Who comes first (E15): a founding waits for bytes that lie in R2, and what it finds afterwards may be another's. The
 * rules of the first founding are found.ts's, those of a further one append.ts's.
 */
import { type DeviceRef, directConversationId, groupConversationId } from "../../src/protocol/ids.ts";
import type { FoundCall, FoundOutcome, SubmitOutcome } from "../rpc.ts";
import type { Blobs } from "./blobs.ts";
import type { ConversationCore } from "./core.ts";
import type { Deliveries } from "./deliveries.ts";
import { type CommitDraft, type Draft, foundingDraft } from "./draft.ts";
import { found, foundedAlready } from "./found.ts";

interface Parts {
  core: ConversationCore;
  blobs: Blobs;
  deliveries: Deliveries;
  /** Through the one way into the log. */
  append(author: DeviceRef, draft: Draft): Promise<SubmitOutcome>;
  ensureSchema(): void;
  /** Makes sure a flush follows. */
  schedule(): void;
}

export class Foundings {
  #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async found(call: FoundCall): Promise<FoundOutcome> {
    const { core, blobs } = this.#parts;
    if (!(await this.#isInPlace(call))) return { refused: { code: "bad_roster", details: {} } };
    const known = foundedAlready(core, call);
    if (known !== undefined && "refused" in known) return known;
    const baseSeq = core.loaded?.head.seq ?? 0;
    const draft = await foundingDraft(call, baseSeq, (blob) => blobs.fetch(blob));
    // The call's own repeat, or what came between while the bytes were fetched.
    const founded = foundedAlready(core, call, draft);
    if (founded !== undefined) return founded;
    return core.loaded === null ? await this.#foundFirst(call, draft) : await this.#foundAgain(call, draft);
  }

  /** The id of a chat follows from its founding, and a chat does not change its kind. */
  async #isInPlace(call: FoundCall): Promise<boolean> {
    const { core } = this.#parts;
    if (core.loaded !== null && core.loaded.identity.kind !== call.kind) return false;
    // No later generation of what is not there: the same to everybody as of a chat one is not in.
    if (call.generation > 1) return core.loaded !== null;
    return (await foundedId(call)) === core.id;
  }

  async #foundFirst(call: FoundCall, draft: CommitDraft): Promise<FoundOutcome> {
    const { core, deliveries, ensureSchema, schedule } = this.#parts;
    const outcome = found(core, call, draft, ensureSchema);
    if ("refused" in outcome) return outcome;
    schedule();
    // Before the founder hears of it, so that its Inbox takes what it says of this chat next; the alarm repeats it.
    await deliveries.noteFounding(call.author.user_id);
    return outcome;
  }

  async #foundAgain(call: FoundCall, draft: CommitDraft): Promise<FoundOutcome> {
    const { core, append } = this.#parts;
    const outcome = await append(call.author, draft);
    const known = foundedAlready(core, call);
    if ("accepted" in outcome) return known ?? { refused: { code: "internal", details: {} } };
    return known !== undefined && "state" in known ? { ...known, ...outcome } : outcome;
  }
}

/** The id of what this call would found as the first generation, if it may. */
export async function foundedId(
  call: Pick<FoundCall, "author" | "kind" | "devices" | "message_id">,
): Promise<string | undefined> {
  if (call.kind === "group") return await groupConversationId(call.author.user_id, call.message_id);
  const users = new Set([call.author, ...call.devices].map((device) => device.user_id));
  const [one, other] = users;
  if (users.size !== 2 || one === undefined || other === undefined) return undefined;
  return await directConversationId(one, other);
}
