/** What users are called here: the name from their profile, else their number, else a short form of the id. Reads only. */
import type { Contact, GroupMember, Notice, Role } from "../contract.ts";
import type { ProfileRecord } from "../store/key-records.ts";
import { getValue, type Store } from "../store/store.ts";

const rank: Record<Role, number> = { owner: 0, admin: 1, member: 2 };

export class Names {
  readonly #profiles: ReadonlyMap<string, ProfileRecord>;
  readonly #own: { userId: string; name: string; phone: string; picture: Uint8Array | null };
  private constructor(profiles: ReadonlyMap<string, ProfileRecord>, own: Names["own"]) {
    this.#profiles = profiles;
    this.#own = own;
  }

  static async of(store: Store, ownUserId: string): Promise<Names> {
    const profiles = await store.all("profiles");
    const [own, session] = [await getValue(store, "own_profile"), await getValue(store, "session")];
    const name = own?.name ?? session?.name ?? "";
    const self = { userId: ownUserId, name, phone: session?.phone ?? "", picture: own?.picture ?? null };
    return new Names(new Map(profiles.map((profile) => [profile.userId, profile])), self);
  }

  get own() {
    return this.#own;
  }

  of(userId: string): string {
    if (userId === this.#own.userId) return this.#own.name;
    const profile = this.#profiles.get(userId);
    return profile?.name ?? profile?.phone ?? userId.slice(0, 6);
  }
  phone(userId: string): string | null {
    if (userId === this.#own.userId) return this.#own.phone;
    return this.#profiles.get(userId)?.phone ?? null;
  }
  picture(userId: string): Uint8Array | null {
    if (userId === this.#own.userId) return this.#own.picture;
    return this.#profiles.get(userId)?.picture ?? null;
  }
  isNamed(userId: string): boolean {
    const profile = this.#profiles.get(userId);
    return profile !== undefined && (profile.name ?? profile.phone) !== null;
  }

  notice(notice: Notice): Notice {
    return "who" in notice ? { ...notice, who: notice.who.map((userId) => this.of(userId)) } : notice;
  }

  contacts(): Contact[] {
    const known = [...this.#profiles.values()].flatMap(({ userId, phone, name }) =>
      phone === null ? [] : [{ userId, phone, name }],
    );
    return known.sort((one, other) => (one.name ?? one.phone).localeCompare(other.name ?? other.phone));
  }

  member(userId: string, role: Role): GroupMember {
    return {
      userId,
      name: this.of(userId),
      phone: this.phone(userId),
      picture: this.picture(userId),
      role,
      isSelf: userId === this.#own.userId,
    };
  }

  static sorted(members: GroupMember[]): GroupMember[] {
    return members.sort(
      (one, other) => rank[one.role] - rank[other.role] || one.name.localeCompare(other.name),
    );
  }
}
