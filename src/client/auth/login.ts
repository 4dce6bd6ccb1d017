/**
 * Logging in and out: the code, the tokens, whose data the store holds. A store belongs to one user; another user's
 * log-in wipes it, the same user's new device reads its chats anew.
 */
import { ProtocolError } from "../../protocol/errors.ts";
import { codeAnswerSchema, tokensSchema } from "../../protocol/http.ts";
import { ConnectionError } from "../connection-error.ts";
import type { CryptoPort } from "../crypto/port.ts";
import type { Environment } from "../environment.ts";
import { emptyAnswerSchema, type HttpApi, type HttpRequest } from "../http-api.ts";
import { KeyRing } from "../keys/key-ring.ts";
import type { SessionRecord } from "../store/records.ts";
import { type Change, getValue, putValue, type Store } from "../store/store.ts";
import { SessionKeeper, withTokens } from "./session-keeper.ts";

interface Means {
  api: HttpApi;
  store: Store;
  environment: Environment;
  crypto: CryptoPort;
}

export async function requestCode({ api }: Means, phone: string) {
  const answer = await api.call(
    { method: "POST", path: "/auth/code", body: { phone }, answer: codeAnswerSchema },
    null,
  );
  return { expiresInSeconds: answer.expires_in_seconds, developmentCode: answer.development_code ?? null };
}

export interface LoginRequest {
  phone: string;
  code: string;
  deviceName: string;
  name: string;
}

/**
 * [E6] The device's keys and key packages are at the server before anybody hears of the log-in: whoever founds a chat with
 * this user a second later finds them. Where the server does not answer the log-in counts all the same, and the tab that
 * leads fills up as soon as it can.
 */
export async function logIn(means: Means, { phone, code, deviceName, name }: LoginRequest): Promise<void> {
  const { api, store, environment } = means;
  const body = { phone, code, installation_id: await installationId(means), device_name: deviceName };
  const tokens = await api.call({ method: "POST", path: "/auth/verify", body, answer: tokensSchema }, null);
  const session: SessionRecord = withTokens({ phone, name }, tokens, environment.now());
  await takeOver(store, session);
  const save = (renewed: SessionRecord) => store.apply([putValue("session", renewed)]);
  const keeper = new SessionKeeper({ api, environment, session, save, onSignedOut: () => {} });
  const { crypto } = means;
  const call = <T>(request: HttpRequest<T>) => keeper.call(request);
  try {
    await new KeyRing({ store, environment, crypto, session: () => keeper.session, call }).fill();
  } catch (error) {
    if (!(error instanceof ConnectionError || error instanceof ProtocolError)) throw error;
  }
}

/** The same until a device is logged out: verifying twice, because an answer was lost, makes one device [http.ts]. */
async function installationId({ store, environment }: Means): Promise<string> {
  const known = await getValue(store, "installation_id");
  if (known !== null) return known;
  const id = uuidV4(environment.randomBytes(16));
  await store.apply([putValue("installation_id", id)]);
  return id;
}

async function takeOver(store: Store, session: SessionRecord): Promise<void> {
  const { userId, deviceId } = session;
  const owner = await getValue(store, "owner");
  const installation = await getValue(store, "installation_id");
  const changes: Change[] = [putValue("session", session), putValue("owner", { userId, deviceId })];
  if (owner !== null && owner.userId !== userId) {
    await store.wipe();
    if (installation !== null) changes.push(putValue("installation_id", installation));
  } else if (owner !== null && owner.deviceId !== deviceId) {
    changes.push(...(await changesForNewDevice(store)));
  }
  await store.apply(changes);
}

/**
 * Ids in the outbox are the old device's: as this one's they would be other messages [L3], so the user decides. Its keys
 * and groups are of no use to another leaf.
 */
async function changesForNewDevice(store: Store): Promise<Change[]> {
  const waiting = await store.all("outbox");
  const groups = await store.all("groups");
  const ratchets = await store.all("ratchets");
  const pending = await store.all("pendingCommits");
  const failed = { state: "failed", failure: "revoked", sealed: null } as const;
  return [
    { table: "values", remove: ["inbox_store_id"] },
    { table: "keys", remove: ["device"] },
    ...waiting.map((item): Change => ({ table: "outbox", put: { ...item, ...failed } })),
    ...groups.map(({ conversationId }): Change => ({ table: "groups", remove: [conversationId] })),
    ...ratchets.map(
      ({ conversationId, leafIndex }): Change => ({ table: "ratchets", remove: [conversationId, leafIndex] }),
    ),
    ...pending.map(({ conversationId }): Change => ({ table: "pendingCommits", remove: [conversationId] })),
  ];
}

/** Everything local goes at once; the server hears of it now or, without a network, the next time. */
export async function forgetDevice({ store }: Means, session: SessionRecord): Promise<void> {
  await store.wipe();
  await store.apply([putValue("pending_logout", session)]);
}

export async function finishLogOut(means: Means): Promise<void> {
  const { api, store, environment } = means;
  const session = await getValue(store, "pending_logout");
  if (session === null) return;
  const save = (renewed: SessionRecord) => store.apply([putValue("pending_logout", renewed)]);
  const keeper = new SessionKeeper({ api, environment, session, save, onSignedOut: () => {} });
  try {
    await keeper.call({ method: "POST", path: "/auth/logout", answer: emptyAnswerSchema });
  } catch (error) {
    // Any answer settles it; without one it is tried again.
    if (!(error instanceof ProtocolError)) return;
  }
  await store.apply([{ table: "values", remove: ["pending_logout"] }]);
}

function uuidV4(random: Uint8Array): string {
  const bytes = Uint8Array.from(random);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
