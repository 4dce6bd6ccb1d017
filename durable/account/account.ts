/**
 * One user's devices and logins. Off the message path: access tokens are checked at the edge without asking here.
 * What the Inbox must learn of a device is a duty in that device's row, stored before the call and repeated by the
 * alarm until the call returned. Nothing is stored for a user who never registered.
 */
import { DurableObject } from "cloudflare:workers";
import type { z } from "zod";
import devicesMigration from "../../migrations/account/0001_devices.sql";
import keyPackagesMigration from "../../migrations/account/0002_key_packages.sql";
import type { Bindings } from "../../src/config.ts";
import type { ErrorCode } from "../../src/protocol/errors.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { keyPackagesRequestSchema } from "../../src/protocol/mls.ts";
import { inboxStub } from "../names.ts";
import type { Refusal } from "../rpc.ts";
import { ensureSchema, schemaExists } from "../schema.ts";
import { type ClaimCall, claim, takeClaims } from "./claims.ts";
import * as devices from "./devices.ts";
import * as keyPackages from "./key-packages.ts";
import * as profile from "./profile.ts";
import { type RefreshOutcome, refresh } from "./refresh.ts";
import type { RefreshGrant } from "./refresh-grant.ts";

const migrations = [devicesMigration, keyPackagesMigration];

const keysLowIntervalMs = 60_000;

export class Account extends DurableObject<Bindings> {
  #isReady = false;
  #toldLowAt = new Map<number, number>();

  /**
   * Links a device and answers once its Inbox knows it, so that the device may connect at once. `busy` if the Inbox
   * could not be told: asking again is the same device.
   */
  async addDevice(call: devices.AddDeviceCall): Promise<devices.AddDeviceOutcome> {
    ensureSchema(this.ctx.storage, migrations);
    this.#isReady = true;
    const outcome = this.ctx.storage.transactionSync(() => devices.addDevice(this.#sql, Date.now(), call));
    await this.#discharge();
    if ("device_id" in outcome && this.#owes(outcome.device_id)) {
      return { refused: "busy" };
    }
    return outcome;
  }

  async refresh(deviceId: number, grant: RefreshGrant): Promise<RefreshOutcome> {
    if (!this.#exists()) return { refused: "unauthorized" };
    const outcome = this.ctx.storage.transactionSync(() => refresh(this.#sql, Date.now(), deviceId, grant));
    await this.#discharge();
    return outcome;
  }

  /** Null if the asking device is not (or no longer) one of this account's. */
  async devices(asker: number): Promise<devices.ActiveDevice[] | null> {
    if (!this.#exists() || !devices.isActive(this.#sql, asker)) return null;
    return devices.activeDevices(this.#sql);
  }

  /** Null if there is no such account. */
  async activeDevices(): Promise<number[] | null> {
    if (!this.#exists()) return null;
    return devices.activeDevices(this.#sql).map((device) => device.device_id);
  }

  /** Idempotent: a device that was logged out may log itself out again. Null when done. */
  async revokeDevice(asker: number, deviceId: number): Promise<ErrorCode | null> {
    if (!this.#exists()) return "unauthorized";
    if (asker !== deviceId && !devices.isActive(this.#sql, asker)) return "revoked";
    if (!devices.revokeDevice(this.#sql, Date.now(), deviceId)) return "not_found";
    await this.#discharge();
    return null;
  }

  /** [E6] What the device has to be added with. Null when they are stored. */
  async storeKeyPackages(
    deviceId: number,
    packages: z.infer<typeof keyPackagesRequestSchema>["packages"],
  ): Promise<Refusal | null> {
    if (!this.#exists() || !devices.isActive(this.#sql, deviceId)) return { code: "revoked", details: {} };
    const device = { user_id: this.#userId(), device_id: deviceId };
    return this.ctx.storage.transactionSync(() =>
      keyPackages.storeKeyPackages(this.#sql, device, packages, Date.now()),
    );
  }

  /** Null for a device that is not (or no longer) the user's. */
  async countKeyPackages(deviceId: number): Promise<keyPackages.KeyPackageCounts | null> {
    if (!this.#exists() || !devices.isActive(this.#sql, deviceId)) return null;
    return keyPackages.countKeyPackages(this.#sql, deviceId, Date.now());
  }

  /** This user is about to claim packages of so many: 0, or how long to wait in milliseconds. Null as above. */
  async takeClaims(deviceId: number, users: number): Promise<number | null> {
    if (!this.#exists() || !devices.isActive(this.#sql, deviceId)) return null;
    return takeClaims(this.#sql, users, Date.now());
  }

  /** Null if there is no such account. Devices that run low are told, if they are connected. */
  async claimKeyPackages(call: ClaimCall): Promise<keyPackages.ClaimedDevice[] | null> {
    if (!this.#exists()) return null;
    const claimed = this.ctx.storage.transactionSync(() =>
      claim(this.#sql, this.#userId(), call, Date.now()),
    );
    const low = claimed.filter(
      ({ device_id }) =>
        keyPackages.countOneTime(this.#sql, device_id, call.suite, Date.now()) < limits.keyPackagesLow,
    );
    await Promise.all(low.map(({ device_id }) => this.#tellLow(device_id)));
    return claimed;
  }

  /** Once a minute at most; a device that is not connected asks for its counts when it comes back. */
  async #tellLow(deviceId: number): Promise<void> {
    if (Date.now() - (this.#toldLowAt.get(deviceId) ?? 0) < keysLowIntervalMs) return;
    this.#toldLowAt.set(deviceId, Date.now());
    try {
      await inboxStub(this.env, this.#userId()).keysLow(deviceId);
    } catch {
      // A hint only: the claim stands, and the next one tells again.
      this.#toldLowAt.delete(deviceId);
    }
  }

  /** Null when it is stored. */
  async storeProfile(deviceId: number, sealed: string): Promise<Refusal | null> {
    if (!this.#exists() || !devices.isActive(this.#sql, deviceId)) return { code: "revoked", details: {} };
    return profile.storeProfile(this.#sql, sealed);
  }

  /** Base64; null where there is none. */
  async profile(): Promise<string | null> {
    return this.#exists() ? profile.profileOf(this.#sql) : null;
  }

  override async alarm(): Promise<void> {
    if (this.#exists()) await this.#discharge();
  }

  /** Arms the alarm in the turn that stored the duties, then tries them once. Never throws for the Inbox's sake. */
  async #discharge(): Promise<void> {
    const duties = devices.pendingDuties(this.#sql);
    if (duties.length === 0) return;
    if (duties.some((duty) => duty.inbox_duty === "revoke")) keyPackages.dropKeyPackagesOfRevoked(this.#sql);
    const attempts = Math.max(...duties.map((duty) => duty.duty_attempts));
    await this.ctx.storage.setAlarm(Date.now() + devices.dutyDelayMs(attempts));
    for (const duty of duties) await this.#tellInbox(duty);
    if (devices.pendingDuties(this.#sql).length === 0) await this.ctx.storage.deleteAlarm();
  }

  async #tellInbox(duty: devices.InboxDuty): Promise<void> {
    // A fresh stub each time: one that has thrown stays broken.
    const inbox = inboxStub(this.env, this.#userId());
    try {
      if (duty.inbox_duty === "add") await inbox.addDevice(duty.device_id);
      else await inbox.revokeDevice(duty.device_id);
    } catch (error) {
      devices.dutyFailed(this.#sql, duty);
      console.error({
        event: "inbox_not_told",
        duty: duty.inbox_duty,
        error: error instanceof Error ? error.name : "?",
      });
      return;
    }
    devices.dutyDone(this.#sql, duty);
  }

  #owes(deviceId: number): boolean {
    return devices
      .pendingDuties(this.#sql)
      .some((duty) => duty.device_id === deviceId && duty.inbox_duty === "add");
  }

  /** Migrates an account that exists, and creates nothing for one that does not. */
  #exists(): boolean {
    if (this.#isReady) return true;
    if (!schemaExists(this.ctx.storage)) return false;
    ensureSchema(this.ctx.storage, migrations);
    this.#isReady = true;
    return true;
  }

  #userId(): string {
    if (this.ctx.id.name === undefined) throw new Error("an Account is reached by its user's id");
    return this.ctx.id.name;
  }

  get #sql(): SqlStorage {
    return this.ctx.storage.sql;
  }
}
