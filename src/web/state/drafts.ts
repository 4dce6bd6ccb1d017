/** Keeps what was written and not sent, per chat, across reloads; it leaves the device with the account. */
import type { Platform } from "./platform.ts";

const prefix = "kittiwake.draft.";

export function loadDrafts(storage: Platform["storage"]): Record<string, string> {
  const drafts: Record<string, string> = {};
  for (const key of draftKeys(storage)) {
    const text = storage.getItem(key);
    if (text !== null) drafts[key.slice(prefix.length)] = text;
  }
  return drafts;
}

/** A draft that cannot be stored (no room, storage forbidden) still lives until the page is left. */
export function storeDraft(storage: Platform["storage"], conversationId: string, text: string): void {
  try {
    if (text === "") storage.removeItem(prefix + conversationId);
    else storage.setItem(prefix + conversationId, text);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

export function clearDrafts(storage: Platform["storage"]): void {
  for (const key of draftKeys(storage)) storage.removeItem(key);
}

function draftKeys(storage: Platform["storage"]): string[] {
  const keys: string[] = [];
  for (let index = 0; index < storage.length; index++) {
    const key = storage.key(index);
    if (key?.startsWith(prefix)) keys.push(key);
  }
  return keys;
}

/** The map with one draft changed; an empty one is no draft. */
export function withDraft(
  drafts: Readonly<Record<string, string>>,
  conversationId: string,
  text: string,
): Readonly<Record<string, string>> {
  if ((drafts[conversationId] ?? "") === text) return drafts;
  const { [conversationId]: _, ...others } = drafts;
  return text === "" ? others : { ...others, [conversationId]: text };
}
