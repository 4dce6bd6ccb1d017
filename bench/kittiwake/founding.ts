/** The founding of a direct chat as the SDK makes it: the server looks into it, and takes nothing else. */
import { base64 } from "@scure/base";
import { found, makeCommit } from "../../src/client/mls/commit.ts";
import type { Result } from "../../src/client/mls/failures.ts";
import { type Judge, makeAccountKey, makeDevice } from "../../src/client/mls/identity.ts";
import { checkClaimed, makeKeyPackage } from "../../src/client/mls/key-packages.ts";
import { makeStateDocument } from "../../src/client/mls/sealed-state.ts";
import { suiteFor } from "../../src/client/mls/suites.ts";
import type { FoundRequest } from "../../src/protocol/http.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";

const judge: Judge = { acceptsLeaf: () => true, allowsCommit: () => true };
const kind = "direct";

export async function foundingRequest(
  conversationId: string,
  messageId: string,
  [founder, other]: [DeviceRef, DeviceRef],
): Promise<FoundRequest> {
  const nowMs = Date.now();
  const suite = suiteFor(kind);
  const [own, added] = [
    await makeDevice(founder, makeAccountKey()),
    await makeDevice(other, makeAccountKey()),
  ];
  const { bytes } = await makeKeyPackage(added, { suite, isLastResort: false, nowMs });
  const claimed = value(await checkClaimed(bytes, { userId: other.user_id, suite, nowMs, judge }));
  const group = value(await found(own, { conversationId, generation: 1, kind, nowMs }));
  const stateDocument = makeStateDocument(new TextEncoder().encode("{}"));
  const position = { messageId, baseSeq: 0, baseHash: new Uint8Array(32) };
  const commit = value(await makeCommit(group, { add: [claimed], stateDocument, position }));
  const encoded = (part: Uint8Array | null) => (part === null ? null : base64.encode(part));
  return {
    message_id: messageId,
    kind,
    generation: 1,
    devices: [founder, other],
    envelope: base64.encode(commit.bytes),
    welcome: encoded(commit.welcome),
    group_info: base64.encode(commit.groupInfo),
    tree: base64.encode(commit.tree),
    sealed_state: encoded(commit.sealedState),
  };
}

function value<T>(result: Result<T>): T {
  if (result.failure === null) return result.value;
  throw new Error(`the founding failed: ${result.failure}`, { cause: result.cause });
}
