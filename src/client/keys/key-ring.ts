/**
 * [E6] This device's keys and key packages. A package is stored before it is offered to the server, and offered once only:
 * one that was handed out twice would leave the second Welcome unreadable. What an unanswered upload left in doubt stays
 * here until it has expired, and new ones take its place at the server.
 */

import { base64 } from "@scure/base";
import type { z } from "zod";
import type { Suite } from "../../mls-guard/leaf.ts";
import { limits } from "../../protocol/limits.ts";
import { keyPackageCountSchema } from "../../protocol/mls.ts";
import { backoffMs } from "../connection/state.ts";
import type { CryptoPort, DeviceKeys } from "../crypto/port.ts";
import type { Environment, Timer } from "../environment.ts";
import type { HttpRequest } from "../http-api.ts";
import type { KeyPackageRecord } from "../store/key-records.ts";
import type { SessionRecord } from "../store/records.ts";
import type { Change, Store } from "../store/store.ts";
import { queued } from "../sync/queue.ts";

const suites: readonly Suite[] = ["x25519", "x_wing"];
/** Longer than any package is valid. */
const keptMs = 100 * 24 * 60 * 60 * 1000;

export interface KeyRingOptions {
  store: Store;
  environment: Environment;
  crypto: CryptoPort;
  session(): SessionRecord;
  call<T>(request: HttpRequest<T>): Promise<T>;
}

export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #looking = new Map<string, Promise<unknown>>();
  #filling: Promise<void> | null = null;
  #timer: Timer | null = null;
  #tries = 0;
  #isStopped = false;
  constructor(options: KeyRingOptions) {
    this.#options = options;
  }

  /** Looked for one after the other: two that found none would each make some, and only one can be stored. */
  deviceKeys(): Promise<DeviceKeys> {
    const { userId, deviceId } = this.#options.session();
    return queued(this.#looking, `${userId}.${deviceId}`, () => this.#deviceKeys());
  }

  async #deviceKeys(): Promise<DeviceKeys> {
    const { store, crypto, session } = this.#options;
    const { userId: user_id, deviceId: device_id } = session();
    const known = await store.get("keys", ["device"]);
    if (known?.device.user_id === user_id && known.device.device_id === device_id) return known;
    const keys = await crypto.makeDeviceKeys({ user_id, device_id });
    const stale = await store.all("keyPackages");
    await store.apply([
      { table: "keys", put: { ...keys, name: "device" } },
      ...stale.map(({ ref }): Change => ({ table: "keyPackages", remove: [ref] })),
    ]);
    return keys;
  }

  async packages(): Promise<KeyPackageRecord[]> {
    return await this.#options.store.all("keyPackages");
  }

  /** Resolves when the server has enough for whoever adds this device next; rejects when that could not be done. */
  fill(): Promise<void> {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = null;
    });
    return this.#filling;
  }

  /** The same in the background, again and again until it is done. */
  fillSoon(): void {
    this.fill().then(
      () => {
        this.#tries = 0;
      },
      () => this.#again(),
    );
  }

  /** [E6] The last-resort package was used: the next one is another. The old one still opens what is under way. */
  async rotate(suite: Suite): Promise<void> {
    await this.#offer(suite, await this.#made(suite, 0, true));
  }

  /** If it does not work now, the next fill finds that the one the server holds has been used. */
  rotateSoon(suite: Suite): void {
    this.rotate(suite).catch(() => this.#again());
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) this.#options.environment.clearTimer(this.#timer);
  }

  #again(): void {
    const { environment } = this.#options;
    if (this.#isStopped || this.#timer !== null) return;
    this.#tries += 1;
    this.#timer = environment.setTimer(backoffMs(this.#tries, environment.random()), () => {
      this.#timer = null;
      this.fillSoon();
    });
  }

  async #fill(): Promise<void> {
    await this.deviceKeys();
    await this.#dropExpired();
    const path = "/account/key-packages";
    const counts = await this.#options.call({ method: "GET", path, answer: keyPackageCountSchema });
    for (const suite of suites) await this.#fillSuite(suite, counts[suite]);
  }

  async #fillSuite(suite: Suite, count: z.infer<typeof keyPackageCountSchema>[Suite]): Promise<void> {
    const known = (await this.packages()).filter((own) => own.suite === suite);
    const waiting = known.filter((own) => !own.isUploaded);
    const isOffered = (own: KeyPackageRecord) =>
      own.isLastResort && own.isConfirmed === true && own.isUsed !== true;
    const holdsLastResort = count.last_resort && known.some(isOffered);
    const lacksLastResort = !holdsLastResort && !waiting.some((own) => own.isLastResort);
    const wanted = count.one_time < limits.keyPackagesLow ? limits.keyPackagesPerUploadOfOneTime : 0;
    const oneTime = Math.max(0, wanted - waiting.filter((own) => !own.isLastResort).length);
    const made = oneTime > 0 || lacksLastResort ? await this.#made(suite, oneTime, lacksLastResort) : [];
    await this.#offer(suite, [...waiting, ...made]);
  }

  async #made(suite: Suite, oneTime: number, lastResort: boolean): Promise<KeyPackageRecord[]> {
    const { crypto, environment, store } = this.#options;
    const nowMs = environment.now();
    const options = { suite, oneTime, lastResort, nowMs };
    const made = await crypto.makeKeyPackages(await this.deviceKeys(), options);
    const records = made.map((own) => ({ ...own, isUploaded: false, madeAtMs: nowMs }));
    await store.apply(records.map((put): Change => ({ table: "keyPackages", put })));
    return records;
  }

  async #offer(suite: Suite, records: readonly KeyPackageRecord[]): Promise<void> {
    const { call, store } = this.#options;
    for (let rest = [...records]; rest.length > 0; ) {
      const batch = rest.slice(0, limits.keyPackagesPerUploadMax);
      rest = rest.slice(batch.length);
      // Before the request: whether an unanswered one arrived is never known.
      await store.apply(
        batch.map((own): Change => ({ table: "keyPackages", put: { ...own, isUploaded: true } })),
      );
      const packages = batch.map(({ isLastResort, bytes }) => ({
        suite,
        last_resort: isLastResort,
        package: base64.encode(bytes),
      }));
      const path = "/account/key-packages";
      await call({ method: "PUT", path, body: { packages }, answer: keyPackageCountSchema });
      const confirmed = batch.filter((own) => own.isLastResort);
      await store.apply(
        confirmed.map(
          (own): Change => ({ table: "keyPackages", put: { ...own, isUploaded: true, isConfirmed: true } }),
        ),
      );
    }
  }

  async #dropExpired(): Promise<void> {
    const oldest = this.#options.environment.now() - keptMs;
    const expired = (await this.packages()).filter((own) => own.madeAtMs < oldest);
    await this.#options.store.apply(
      expired.map(({ ref }): Change => ({ table: "keyPackages", remove: [ref] })),
    );
  }
}
