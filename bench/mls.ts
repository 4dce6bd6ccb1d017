/**
 * The facade at the sizes that matter: what it costs to add everybody, to join, to send, to remove. Runs in this process,
 * without a server.
 */
import { performance } from "node:perf_hooks";
import { v7 } from "uuid";
import { acceptCommit } from "../src/client/mls/accept-commit.ts";
import { found, makeCommit, type PendingCommit } from "../src/client/mls/commit.ts";
import type { Result } from "../src/client/mls/failures.ts";
import { epochOf, type Group } from "../src/client/mls/group.ts";
import { type Device, makeAccountKey, makeDevice } from "../src/client/mls/identity.ts";
import { joinByExternalCommit } from "../src/client/mls/join-external.ts";
import { joinByWelcome } from "../src/client/mls/join-welcome.ts";
import { checkClaimed, makeKeyPackage, type OwnKeyPackage } from "../src/client/mls/key-packages.ts";
import { leafLimits } from "../src/client/mls/leaf-limits.ts";
import { receiveMessage, sendMessage } from "../src/client/mls/message.ts";
import type { EntryPlace } from "../src/client/mls/place.ts";
import { makeStateDocument, stateHash } from "../src/client/mls/sealed-state.ts";
import { encodeGroup } from "../src/client/mls/serialization.ts";
import { type GroupKind, suiteFor } from "../src/client/mls/suites.ts";
import { type DeviceRef, directConversationId } from "../src/protocol/ids.ts";

export interface MlsFigures {
  leaves: number;
  kind: GroupKind;
  addMs: number;
  commits: number;
  commitBytes: number;
  welcomeBytes: number;
  treeBytes: number;
  joinMs: number;
  encryptMs: number;
  decryptMs: number;
  messageBytes: number;
  stateBytes: number;
  changeBytes: number;
  removeMs: number | null;
  removeBytes: number | null;
  processMs: number | null;
  externalMs: number | null;
}

export const mlsSizes: readonly number[] = [2, 10, 100, 256, 1_024, 2_048];
const removalDevices = 500;
const judge = { acceptsLeaf: () => true, allowsCommit: () => true };
const document = makeStateDocument(new TextEncoder().encode("a group's name"));
const noHash = new Uint8Array(32);
const sends = 50;

/** From "remove" to the text on another member's screen, without the network. */
export interface RemovalFigures {
  devices: number;
  totalMs: number;
  commitMs: number;
  processMs: number;
}

export interface MlsResult {
  groups: MlsFigures[];
  removal: RemovalFigures;
}

/** `progress` hears of each size. */
export async function measureMls(
  leaves: readonly number[],
  progress: (line: string) => void,
): Promise<MlsResult> {
  const figures: MlsFigures[] = [];
  // The first run of everything is the compiler's.
  await measure(10, "group");
  figures.push(await measure(2, "direct"));
  for (const size of leaves) {
    progress(`${size} leaves`);
    figures.push(await measure(size, "group"));
  }
  progress(`first message after a removal in a group of ${removalDevices} devices`);
  return { groups: figures, removal: await firstMessageAfterRemoval(removalDevices) };
}

async function measure(leaves: number, kind: GroupKind): Promise<MlsFigures> {
  const { founder, device, group, joined, adds, welcomed } = await groupOf(leaves, kind);
  let [sender, receiver] = [group, joined.group];
  const [encrypt, decrypt]: [number[], number[]] = [[], []];
  let [messageBytes, changeBytes] = [0, 0];
  for (let i = 0; i < sends; i++) {
    const [sent, encryptMs] = await timed(() => send(sender));
    const place = placeOf(founder.ref, sent.messageId, epochOf(sender));
    const context = { place, stateHash: stateHash(document) };
    const [received, decryptMs] = await timed(() => receiveMessage(receiver, sent.bytes, context));
    [sender, receiver] = [sent.group, received.group];
    [messageBytes, changeBytes] = [sent.bytes.length, received.change.bytes.length];
    encrypt.push(encryptMs);
    decrypt.push(decryptMs);
  }
  const stateBytes = encodeGroup(receiver).length;
  const removal = leaves > 2 ? await removeOne(sender, receiver, founder, joined.removable) : null;
  const more = removal === null ? null : await comeIn(removal.pending, sender, device);
  return {
    leaves,
    kind,
    ...adds,
    welcomeBytes: welcomed.welcome?.length ?? 0,
    treeBytes: welcomed.tree.length,
    joinMs: joined.joinMs,
    encryptMs: median(encrypt),
    decryptMs: median(decrypt),
    messageBytes,
    stateBytes,
    changeBytes,
    removeMs: removal?.createMs ?? null,
    removeBytes: removal?.pending.bytes.length ?? null,
    processMs: removal?.processMs ?? null,
    externalMs: more,
  };
}

/** The founder adds everybody, so many at a time as a commit may; the last one added joins. */
async function groupOf(leaves: number, kind: GroupKind) {
  const [founder, device] = [await newDevice(), await newDevice()];
  const conversationId = await directConversationId(founder.ref.user_id, device.ref.user_id);
  const nowMs = Date.now();
  let group = value(await found(founder, { conversationId, generation: 0, kind, nowMs }));
  const guests = await Promise.all(Array.from({ length: leaves - 2 }, () => newDevice()));
  const invited = await Promise.all([...guests, device].map((guest) => invite(guest, kind)));
  const adds = { addMs: 0, commits: 0, commitBytes: 0 };
  let welcomed: PendingCommit | null = null;
  for (let at = 0; at < invited.length; at += leafLimits.addsPerCommitMax) {
    const add = invited.slice(at, at + leafLimits.addsPerCommitMax).map(({ claimed }) => claimed);
    const [pending, ms] = await timed(() =>
      makeCommit(group, { add, stateDocument: document, position: position() }),
    );
    adds.addMs += ms;
    adds.commits += 1;
    adds.commitBytes += pending.bytes.length;
    group = pending.next;
    welcomed = pending;
  }
  const own = invited.at(-1)?.own;
  if (welcomed === null || own === undefined) throw new Error("a group has two leaves at least");
  const joined = await join(welcomed, { conversationId, kind, device, own, inviter: founder.ref });
  return {
    founder,
    device,
    group,
    adds,
    welcomed,
    joined: { ...joined, removable: guests[guests.length >> 1]?.ref },
  };
}

interface Joining {
  conversationId: string;
  kind: GroupKind;
  device: Device;
  own: OwnKeyPackage;
  inviter: DeviceRef;
}

async function join(pending: PendingCommit, joining: Joining): Promise<{ group: Group; joinMs: number }> {
  const { conversationId, kind, device, own, inviter } = joining;
  const announced = { conversationId, generation: 0, kind, epoch: pending.baseEpoch, inviter };
  const [joined, joinMs] = await timed(() =>
    joinByWelcome(pending.welcome ?? noHash, pending.tree, {
      device,
      announced,
      keyPackages: [own],
      holdsState: false,
      usedWelcomes: new Set(),
      judge,
    }),
  );
  return { group: joined.group, joinMs };
}

async function removeOne(sender: Group, receiver: Group, founder: Device, removed: DeviceRef | undefined) {
  if (removed === undefined) throw new Error("there is nobody to remove");
  const at = position();
  const [pending, createMs] = await timed(() =>
    makeCommit(sender, { remove: [removed], stateDocument: document, position: at }),
  );
  const place = placeOf(founder.ref, at.messageId, pending.baseEpoch);
  const [accepted, processMs] = await timed(() =>
    acceptCommit(receiver, pending.bytes, { place, judge, pending: null }),
  );
  return { pending, createMs, processMs, receiver: accepted.group };
}

/** The receiver lost its state and takes its place again. */
async function comeIn(after: PendingCommit, group: Group, device: Device): Promise<number> {
  const { conversationId, kind } = group;
  const [, ms] = await timed(() =>
    joinByExternalCommit(after.groupInfo, after.tree, {
      conversationId,
      generation: 0,
      kind,
      device,
      epoch: after.baseEpoch + 1,
      anchor: null,
      replaces: null,
      position: position(),
      stateHash: stateHash(document),
      judge,
      nowMs: Date.now(),
    }),
  );
  return ms;
}

async function firstMessageAfterRemoval(devices: number): Promise<RemovalFigures> {
  const { founder, group, joined } = await groupOf(devices, "group");
  const start = performance.now();
  const removal = await removeOne(group, joined.group, founder, joined.removable);
  const sent = value(await send(removal.pending.next));
  const place = placeOf(founder.ref, sent.messageId, epochOf(removal.receiver));
  value(await receiveMessage(removal.receiver, sent.bytes, { place, stateHash: stateHash(document) }));
  const totalMs = performance.now() - start;
  return { devices, totalMs, commitMs: removal.createMs, processMs: removal.processMs };
}

async function send(group: Group) {
  const at = position();
  const content = new TextEncoder().encode("x".repeat(200));
  const sent = await sendMessage(group, content, { position: at, stateHash: stateHash(document) });
  return sent.failure === null ? { ...sent, value: { ...sent.value, messageId: at.messageId } } : sent;
}

async function newDevice(): Promise<Device> {
  const user_id = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
  return await makeDevice({ user_id, device_id: 1 }, makeAccountKey());
}

async function invite(device: Device, kind: GroupKind) {
  const suite = suiteFor(kind);
  const nowMs = Date.now();
  const own = await makeKeyPackage(device, { suite, isLastResort: false, nowMs });
  const expected = { userId: device.ref.user_id, suite, nowMs, judge };
  return { own, claimed: value(await checkClaimed(own.bytes, expected)) };
}

function position() {
  return { messageId: v7(), baseSeq: 0, baseHash: noHash };
}
function placeOf(sender: DeviceRef, messageId: string, epoch: number): EntryPlace {
  return { seq: 1, epoch, messageId, sender, hashAt: () => noHash };
}
function value<T>(result: Result<T>): T {
  if (result.failure === null) return result.value;
  throw new Error(result.failure, { cause: result.cause });
}
async function timed<T>(work: () => Promise<Result<T>>): Promise<[T, number]> {
  const start = performance.now();
  const done = value(await work());
  return [done, performance.now() - start];
}
function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0;
}
