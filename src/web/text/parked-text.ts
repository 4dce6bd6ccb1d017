/**
 * [D8] [E9] The words for a message that cannot be shown: what is the matter and what the app does about it. Reasons
 * are codes of the SDK; one that is not listed is newer than this file and gets the general sentence.
 */
const parkedTexts: readonly (readonly [readonly string[], string])[] = [
  [
    ["unknown_version", "unknown_type", "unknown_kind"],
    "This message was written with a newer version of Kittiwake. It is kept; reload the page to update.",
  ],
  [
    ["decrypt_failed", "ratchet_gap", "bad_padding", "commitment_mismatch"],
    "This message could not be decrypted. Kittiwake is asking the sender's device to send it again.",
  ],
  [
    ["epoch_ahead", "old_group_info", "state_mismatch"],
    "This message came before the keys for it. Kittiwake is fetching them and will show it then.",
  ],
  [
    ["commit_unprocessable", "state_unreadable"],
    "A change to this chat's encryption could not be taken over. Kittiwake is joining the chat again.",
  ],
  [
    ["log_fork"],
    "The sender was shown another version of this chat. Sending is stopped; see below what to do.",
  ],
  [
    ["forbidden_change", "removes_other_user", "forbidden_sender", "forbidden_proposal", "by_reference"],
    "Somebody tried a change of this chat that its rules do not allow. Kittiwake did not take it over.",
  ],
  [
    ["wrong_device", "wrong_position", "replayed", "untrusted_leaf", "changed_identity", "duplicate_leaf"],
    "This does not come from where it claims to. Kittiwake does not show it; nothing is needed from you.",
  ],
  [
    ["epoch_passed"],
    "The keys for this message are gone from this device, as they are meant to be. Ask the sender to write it again.",
  ],
  [
    ["not_decodable", "wrong_form"],
    "This message is damaged and cannot be shown. It is kept; ask the sender to write it again.",
  ],
];

export const generalParkedText =
  "This message cannot be shown. It is kept; ask the sender to write it again.";

export function parkedText(reason: string): string {
  return parkedTexts.find(([reasons]) => reasons.includes(reason))?.[1] ?? generalParkedText;
}
