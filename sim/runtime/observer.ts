/** What a run shows to whoever judges it. Called at the moment the fact becomes true. */
import type { Change } from "../../src/client/store/store.ts";
import type { Device } from "../actors/device.ts";
import type { SimObject } from "./sim-object.ts";

export interface Observer {
  /** Writes are durable; `written` are the tables concerned. */
  committed(object: SimObject, written: ReadonlySet<string>): void;
  /** A turn ended, durable or not. */
  turned(object: SimObject): void;
  /** Idle, with nothing pending, and about to forget. */
  quiescent(object: SimObject): void;
  /** A text frame leaves a server object for a device, which was `key` when it connected. */
  frameDown(device: Device, key: string | null, text: string): void;
  /** A successful HTTP answer leaves the edge for a device. */
  httpDown(device: Device, path: string, body: unknown): void;
  /** A text frame leaves a device. */
  frameUp(device: Device, text: string): void;
  /** An HTTP request leaves a device. */
  httpUp(device: Device, path: string, body: unknown): void;
  /** A call leaves; `life` is the caller's. What it returns is called when an answer, or none, has come. */
  called(
    caller: string,
    life: object,
    callee: SimObject,
    method: string,
    args: readonly unknown[],
  ): () => void;
  /** An object's storage was put back to an older point. */
  restored(object: SimObject): void;
  /** A device's store has committed these changes. */
  stored(device: Device, changes: readonly Change[]): void;
  /** What a device's store had not forced to the disk may be gone. */
  lostPower(device: Device): void;
  unexpected(who: string, what: string): void;
}
