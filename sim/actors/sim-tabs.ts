/**
 * The tabs of one browser: one store, one lock, one channel. A tab that is gone without a word has let go of the lock,
 * and nothing reaches it any more; what it had posted still arrives.
 */
import type { Tabs } from "../../src/client/tabs/tabs.ts";
import type { Device } from "./device.ts";

interface Place {
  device: Device;
  life: object | null;
}
interface Waiting extends Place {
  name: string;
  onLead: () => void;
  isHolding: boolean;
}
interface Member extends Place {
  onMessage: (message: unknown) => void;
}

export class SimTabs {
  readonly #waiting: Waiting[] = [];
  readonly #members = new Set<Member>();

  /** The port as one life of a tab has it. */
  portOf(device: Device): Tabs {
    const { life } = device;
    return {
      lead: (name, onLead) => {
        const waiting = { device, life, name, onLead, isHolding: false };
        this.#waiting.push(waiting);
        this.#grant();
        return () => this.#leave(waiting);
      },
      join: (onMessage) => {
        const member = { device, life, onMessage };
        this.#members.add(member);
        return {
          post: (message) => this.#post(member, message),
          close: () => void this.#members.delete(member),
        };
      },
    };
  }

  /** A life is over. */
  gone(life: object): void {
    for (const member of this.#members) if (member.life === life) this.#members.delete(member);
    for (const waiting of [...this.#waiting]) if (waiting.life === life) this.#leave(waiting);
  }

  #post(from: Member, message: unknown): void {
    for (const member of this.#members) {
      if (member === from) continue;
      const copy: unknown = structuredClone(message);
      this.#later(member, "tab message", () => {
        if (this.#members.has(member)) member.onMessage(copy);
      });
    }
  }

  #leave(waiting: Waiting): void {
    const index = this.#waiting.indexOf(waiting);
    if (index === -1) return;
    this.#waiting.splice(index, 1);
    this.#grant();
  }

  /** To whoever has waited longest, for each name that nobody holds. */
  #grant(): void {
    for (const waiting of this.#waiting) {
      if (this.#waiting.some((other) => other.isHolding && other.name === waiting.name)) continue;
      waiting.isHolding = true;
      this.#later(waiting, "lock", () => {
        if (this.#waiting.includes(waiting)) waiting.onLead();
      });
    }
  }

  #later({ device, life }: Place, kind: string, run: () => void): void {
    device.world.scheduler.after(device.rng.between(0.1, 30), kind, device, () => {
      if (device.life === life) run();
    });
  }
}
