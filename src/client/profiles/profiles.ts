/**
 * Names and pictures: each user's profile lies at the server under a random key, which travels inside conversations. This
 * device keeps its own, and what it could open of others'.
 */
import { base64 } from "@scure/base";
import { isEqual } from "../../mls-guard/bytes.ts";
import { profileSchema } from "../../protocol/mls.ts";
import { backoffMs } from "../connection/state.ts";
import type { Profile } from "../contract.ts";
import type { CryptoPort } from "../crypto/port.ts";
import type { Timer } from "../environment.ts";
import { decodeProfile, encodeProfile } from "../group-state.ts";
import { emptyAnswerSchema } from "../http-api.ts";
import type { ProfileRecord } from "../store/key-records.ts";
import type { Values } from "../store/records.ts";
import { getValue, putValue } from "../store/store.ts";
import type { Desk } from "../sync/desk.ts";
import { queued } from "../sync/queue.ts";

export function unknownProfile(userId: string): ProfileRecord {
  return {
    userId,
    phone: null,
    isPhoneLookedUp: false,
    key: null,
    name: null,
    picture: null,
    fetchedAtMs: null,
  };
}

export class Profiles {
  readonly #desk: Desk;
  readonly #crypto: CryptoPort;
  readonly #uploads = new Map<string, Promise<unknown>>();
  readonly #writes = new Map<string, Promise<unknown>>();
  #timer: Timer | null = null;
  #tries = 0;
  #isStopped = false;
  constructor(desk: Desk, crypto: CryptoPort) {
    this.#desk = desk;
    this.#crypto = crypto;
  }

  /** What an earlier time left undone: the own upload, others' profiles that could not be fetched. */
  start(): void {
    this.#catchUp().then(
      () => {
        this.#tries = 0;
      },
      () => this.#again(),
    );
  }
  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) this.#desk.environment.clearTimer(this.#timer);
  }

  async own(): Promise<Values["own_profile"]> {
    const known = await getValue(this.#desk.store, "own_profile");
    if (known !== null) return known;
    const key = await this.#crypto.makeProfileKey();
    const made = { key, name: this.#desk.session.name, picture: null, isUploaded: false };
    await this.#desk.store.apply([putValue("own_profile", made)]);
    return made;
  }

  /** Kept at once, uploaded, and pointed out to every chat with the next message there. */
  async set({ name, picture }: Profile): Promise<void> {
    await this.#change((own) => ({ ...own, name, picture, isUploaded: false }));
    this.#desk.emit({ type: "profile" });
    await this.#upload();
    for (const { conversationId } of this.#desk.conversations())
      await this.#desk.changeMarks(conversationId, (record) => ({ ...record, isProfileDue: true }));
  }

  /** The user looked this number up: it is worth more than anybody's word. */
  async lookedUp(userId: string, phone: string): Promise<void> {
    const known = await this.#known(userId);
    if (known.phone === phone && known.isPhoneLookedUp) return;
    await this.#put({ ...known, phone, isPhoneLookedUp: true });
  }

  /** From inside a conversation. The same key again means that the profile has changed. */
  async learned(userId: string, key: Uint8Array, phone: string): Promise<void> {
    const known = await this.#known(userId);
    const shown = known.isPhoneLookedUp ? known.phone : phone;
    await this.#put({ ...known, key, phone: shown, fetchedAtMs: null });
    this.start();
  }

  async #catchUp(): Promise<void> {
    if (!(await this.own()).isUploaded) await this.#upload();
    for (const profile of await this.#desk.store.all("profiles")) {
      if (profile.key !== null && profile.fetchedAtMs === null) await this.#fetch(profile, profile.key);
    }
  }

  /** One after the other: the last that was set is the last that arrives. */
  #upload(): Promise<void> {
    return queued(this.#uploads, "own", () => this.#uploadOwn());
  }

  async #uploadOwn(): Promise<void> {
    const own = await this.own();
    const { userId } = this.#desk.session;
    const sealed = base64.encode(await this.#crypto.sealProfile(own.key, userId, encodeProfile(own)));
    const path = "/account/profile";
    await this.#desk.call({ method: "PUT", path, body: { sealed }, answer: emptyAnswerSchema });
    await this.#change((present) => {
      // Set anew meanwhile: that one is uploaded next.
      const isSame = isEqual(encodeProfile(present), encodeProfile(own));
      return isSame ? { ...present, isUploaded: true } : present;
    });
  }

  async #change(change: (own: Values["own_profile"]) => Values["own_profile"]): Promise<void> {
    await queued(this.#writes, "own", async () => {
      const changed = change(await this.own());
      await this.#desk.store.apply([putValue("own_profile", changed)]);
    });
  }

  async #fetch({ userId }: ProfileRecord, key: Uint8Array): Promise<void> {
    const path = `/users/${userId}/profile`;
    const { sealed } = await this.#desk.call({ method: "GET", path, answer: profileSchema });
    const content = await this.#crypto.openProfile(key, userId, base64.decode(sealed));
    const profile = content === null ? null : decodeProfile(content);
    const known = await this.#known(userId);
    const found = profile === null ? {} : profile;
    await this.#put({ ...known, ...found, fetchedAtMs: this.#desk.environment.now() });
  }

  async #known(userId: string): Promise<ProfileRecord> {
    return (await this.#desk.store.get("profiles", [userId])) ?? unknownProfile(userId);
  }

  async #put(profile: ProfileRecord): Promise<void> {
    await this.#desk.store.apply([{ table: "profiles", put: profile }]);
    this.#desk.emit({ type: "profile" });
    this.#desk.emit({ type: "conversations" });
  }

  #again(): void {
    const { environment } = this.#desk;
    if (this.#isStopped || this.#timer !== null) return;
    this.#tries += 1;
    this.#timer = environment.setTimer(backoffMs(this.#tries, environment.random()), () => {
      this.#timer = null;
      this.start();
    });
  }
}
