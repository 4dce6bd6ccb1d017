/** Groups between the port's bytes and the facade's values, remembered by version, the newest of each group only. */
import type { PendingCommit } from "../mls/commit.ts";
import type { Failed, Result } from "../mls/failures.ts";
import { devicesOf, epochOf, type Group } from "../mls/group.ts";
import type { Device } from "../mls/identity.ts";
import { randomBytes } from "../mls/random.ts";
import { decodeGroup, encodeGroup } from "../mls/serialization.ts";
import { wipe } from "../mls/wipe.ts";
import type { DeviceKeys, HeldGroup, MadeCommit, Outcome } from "./port.ts";

/** Decoded groups kept: a group of 1,024 is some megabytes. */
const rememberedMax = 64;

export class EngineGroups {
  readonly #decoded = new Map<string, Group>();
  /** Versions of another run of this engine must not look like ours. */
  readonly #prefix = Array.from(randomBytes(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
  #count = 0;

  async open(held: HeldGroup): Promise<Result<Group>> {
    const known = this.#decoded.get(held.version);
    if (known !== undefined) return { failure: null, value: known };
    const decoded = await decodeGroup(held.state, held.ratchets);
    if (decoded.failure === null) this.#remember(held.version, decoded.value);
    return decoded;
  }

  /** `next` follows `held`, whose decoded form shares what was `spent` and is forgotten. */
  step(held: HeldGroup, next: Group, spent: readonly Uint8Array[]): string {
    this.#decoded.delete(held.version);
    wipe(spent);
    return this.#name(next);
  }

  whole(group: Group): HeldGroup {
    const { conversationId, generation, kind, suite, joinedEpoch } = group;
    return {
      conversationId,
      generation,
      kind,
      suite,
      joinedEpoch,
      epoch: epochOf(group),
      devices: devicesOf(group),
      version: this.#name(group),
      state: encodeGroup(group),
      ratchets: [],
    };
  }

  #name(group: Group): string {
    this.#count += 1;
    const version = `${this.#prefix}-${this.#count}`;
    this.#remember(version, group);
    return version;
  }

  #remember(version: string, group: Group): void {
    this.#decoded.set(version, group);
    const [oldest] = this.#decoded.keys();
    if (this.#decoded.size > rememberedMax && oldest !== undefined) this.#decoded.delete(oldest);
  }
}

export function madeCommit(
  groups: EngineGroups,
  pending: PendingCommit,
  more: Pick<MadeCommit, "added" | "removed" | "refused">,
): MadeCommit {
  return { ...pending, next: groups.whole(pending.next), ...more };
}

/** The way back, for the facade to recognise its own commit. */
export async function pendingCommit(
  groups: EngineGroups,
  made: MadeCommit | null,
): Promise<PendingCommit | null> {
  if (made === null) return null;
  const next = await groups.open(made.next);
  return next.failure === null ? { ...made, next: next.value } : null;
}

/** Without the cause: it is for tests of the facade, and could not cross to another thread. */
export function failed({ failure }: Failed): { failure: Failed["failure"] } {
  return { failure };
}

export function outcome<T, U>(result: Result<T>, map: (value: T) => U): Outcome<U> {
  return result.failure === null ? { failure: null, value: map(result.value) } : failed(result);
}

export function deviceOf(keys: DeviceKeys): Device {
  const leafKey = { publicKey: keys.leafPublicKey, privateKey: keys.leafPrivateKey };
  return { ref: keys.device, leafKey, credential: keys.credential };
}
