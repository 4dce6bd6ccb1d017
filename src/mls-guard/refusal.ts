/**
 * Why bytes are refused before anything else looks at them. The guards throw inside this folder and src/client/mls
 * only; what either exports gives results.
 */
export const guardCodes = [
  /** Not the structure it should be, or something after its end. */
  "malformed",
  "too_large",
  /** A commit that is not a PublicMessage, a message that is not a PrivateMessage. */
  "wrong_wire_format",
  "wrong_suite",
  "wrong_group",
  "wrong_epoch",
  /** Neither a member nor a joiner, as the external senders and new_member_proposal of RFC 9420 are. */
  "forbidden_sender",
  "by_reference",
  "forbidden_proposal",
  "no_path",
  /** Capabilities, extensions or the credential's form differ from the one constant of E11. */
  "leaf_policy",
  /** unmerged_leaves out of range, blank, not below their node, or out of order. */
  "unmerged_leaves",
  /** The tree is not one: a leaf in a parent's place, a blank last node, two leaves of one device, a key twice. */
  "bad_tree",
  "authenticated_data",
] as const;
export type GuardCode = (typeof guardCodes)[number];

export class Refusal<Code extends string = string> extends Error {
  readonly code: Code;
  constructor(code: Code) {
    super(code);
    this.name = "Refusal";
    this.code = code;
  }
}

export function refuse(code: GuardCode): never {
  throw new Refusal(code);
}
