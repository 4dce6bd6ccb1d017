/** Devices on a port as a client uses it: every value that goes in or comes out is cloned, as at a worker's border. */
import { base64urlnopad } from "@scure/base";
import { v7 } from "uuid";
import { makeEngine } from "../../../../../src/client/crypto/engine.ts";
import type { CommitRules } from "../../../../../src/client/crypto/judge.ts";
import type {
  ChatKind,
  CryptoPort,
  DeviceKeys,
  HeldGroup,
  MadeCommit,
  Outcome,
  OwnKeyPackage,
  Place,
  Position,
} from "../../../../../src/client/crypto/port.ts";
import { type DeviceRef, directConversationId } from "../../../../../src/protocol/ids.ts";

export const nowMs = Date.now();
export const noHash = new Uint8Array(32);

/** What cannot be cloned throws here, as `postMessage` would. */
export function clonedPort(): CryptoPort {
  const engine = makeEngine() as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>;
  return new Proxy({} as CryptoPort, {
    get: (_, method) =>
      typeof method !== "string" || method === "then"
        ? undefined
        : async (...values: unknown[]) => structuredClone(await engine[method]?.(...structuredClone(values))),
  });
}

export function value<T>(outcome: Outcome<T>): T {
  if (outcome.failure === null) return outcome.value;
  throw new Error(`expected success, got ${outcome.failure}`);
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
export function randomId(byteCount: 16 | 32): string {
  return base64urlnopad.encode(crypto.getRandomValues(new Uint8Array(byteCount)));
}
export function position(baseSeq: number): Position {
  return { messageId: v7(), baseSeq, baseHash: noHash };
}

export interface TestDevice {
  port: CryptoPort;
  keys: DeviceKeys;
  ref: DeviceRef;
  packages: OwnKeyPackage[];
}

export async function newDevice(userId = randomId(16), deviceId = 1): Promise<TestDevice> {
  const port = clonedPort();
  const ref = { user_id: userId, device_id: deviceId };
  const keys = await port.makeDeviceKeys(ref);
  const packages = [];
  for (const suite of ["x_wing", "x25519"] as const)
    packages.push(...(await port.makeKeyPackages(keys, { suite, oneTime: 1, lastResort: true, nowMs })));
  return { port, keys, ref, packages };
}

export function packageOf(device: TestDevice, kind: ChatKind, isLastResort = false) {
  const suite = kind === "direct" ? "x_wing" : "x25519";
  const found = device.packages.find((own) => own.suite === suite && own.isLastResort === isLastResort);
  if (found === undefined) throw new Error("no such package");
  return { device: device.ref, bytes: found.bytes };
}

/** The commit's author at its place in the log. */
export function placeOf(made: MadeCommit, messageId: string, sender: TestDevice, seq: number): Place {
  return { seq, epoch: made.baseEpoch, messageId, sender: sender.ref };
}

/** As the server's entry and this device's roster would say it of a commit made by somebody allowed to. */
export function rulesFor(made: MadeCommit, members: TestDevice[], kind: ChatKind): CommitRules {
  const roles = members.map(({ ref }) => ({ userId: ref.user_id, role: "admin" as const }));
  return { kind, roles, leavers: [], goneDevices: [], roster: { add: made.added, remove: [] } };
}

export interface Founded {
  made: MadeCommit;
  at: Position;
  conversationId: string;
  kind: ChatKind;
  document: Uint8Array;
  stateHash: Uint8Array;
}

/** With `isLastResort`, the others' one-time packages have run out. */
export async function foundBy(
  founder: TestDevice,
  others: TestDevice[],
  kind: ChatKind,
  isLastResort = false,
): Promise<Founded> {
  const [other] = others;
  const conversationId =
    kind === "direct" && other !== undefined
      ? await directConversationId(founder.ref.user_id, other.ref.user_id)
      : randomId(32);
  const { document, hash } = await founder.port.makeState(utf8("{}"));
  const at = position(0);
  const made = value(
    await founder.port.found({
      conversationId,
      generation: 1,
      kind,
      keys: founder.keys,
      add: others.map((device) => packageOf(device, kind, isLastResort)),
      document,
      position: at,
      nowMs,
    }),
  );
  return { made, at, conversationId, kind, document, stateHash: hash };
}

export function welcomeFor(device: TestDevice, founded: Founded, inviter: TestDevice) {
  const { made, conversationId, kind } = founded;
  return {
    keys: device.keys,
    keyPackages: device.packages,
    conversationId,
    generation: 1,
    kind,
    epoch: made.baseEpoch,
    inviter: inviter.ref,
    welcome: made.welcome ?? new Uint8Array(),
    tree: made.tree,
    usedWelcomes: [] as string[],
    holdsState: false,
  };
}

/** A founded chat, both sides in it. */
export async function pair(kind: ChatKind) {
  const alice = await newDevice();
  const bob = await newDevice();
  const founded = await foundBy(alice, [bob], kind);
  const { group: joined } = value(await bob.port.joinByWelcome(welcomeFor(bob, founded, alice)));
  return { alice, bob, founded, alices: founded.made.next, bobs: joined };
}

export async function encrypt(device: TestDevice, group: HeldGroup, words: string, stateHash: Uint8Array) {
  const at = position(1);
  const sent = value(await device.port.encrypt(group, { content: utf8(words), position: at, stateHash }));
  const place: Place = { seq: 2, epoch: group.epoch, messageId: at.messageId, sender: device.ref };
  return { sent, place };
}
