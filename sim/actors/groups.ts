/** What people do with groups: found them, add, remove, leave, rename, hand over. Whoever may not is told so. */
import type { Group, Kittiwake, Role } from "../../src/client/contract.ts";
import type { ConversationRecord } from "../../src/client/store/records.ts";
import type { Device } from "./device.ts";
import { type People, short } from "./people.ts";

const roles: readonly Role[] = ["admin", "member", "owner"];

export class Groups {
  readonly #people: People;
  #names = 0;
  constructor(people: People) {
    this.#people = people;
  }

  create(device: Device, devices: readonly Device[], amount: number): void {
    const app = this.#people.app(device);
    const phones = othersOf(device, devices);
    if (app === null || phones.length === 0) return;
    const chosen = phones.slice(0, 1 + Math.floor(amount * phones.length));
    const name = this.#name();
    device.world.say(device.name, () => `founds group "${name}" with ${chosen.length} others`);
    const founded = usersOf(app, chosen).then((userIds) => app.createGroup({ name, picture: null, userIds }));
    this.#people.expect(device, founded);
  }

  change(device: Device, devices: readonly Device[], at: number, amount: number): void {
    const app = this.#people.app(device);
    const id = groupOf(device, at);
    if (app === null || id === null) return;
    const done = app.group(id).then(async (group) => {
      if (group !== null) await this.#change(device, app, group, othersOf(device, devices), amount);
    });
    this.#people.expect(device, done);
  }

  async #change(
    device: Device,
    app: Kittiwake,
    group: Group,
    phones: string[],
    amount: number,
  ): Promise<void> {
    const { conversationId } = group;
    const say = (what: string) => device.world.say(device.name, () => `${what} ${short(conversationId)}`);
    const others = group.members.filter((member) => !member.isSelf);
    const other = others[Math.floor(((amount * 7919) % 1) * others.length)];
    if (amount < 0.35) {
      say("adds everybody to");
      return await app.addMembers(conversationId, await usersOf(app, phones));
    }
    if (amount < 0.5 && other !== undefined) {
      say(`removes ${other.name} from`);
      return await app.removeMember(conversationId, other.userId);
    }
    if (amount < 0.6) {
      say("leaves");
      return await app.leaveGroup(conversationId);
    }
    if (amount < 0.8 || other === undefined) {
      const name = this.#name();
      say(`gives the name "${name}" to`);
      return await app.renameGroup(conversationId, name);
    }
    const role = roles[Math.floor(((amount * 104_729) % 1) * roles.length)] ?? "member";
    say(`makes ${other.name} ${role} of`);
    await app.setRole(conversationId, other.userId, role);
  }

  #name(): string {
    this.#names += 1;
    return `group ${this.#names}`;
  }
}

/** Numbers of everybody else, each once. */
function othersOf(device: Device, devices: readonly Device[]): string[] {
  const phones = new Set(devices.map(({ identity }) => identity.phone));
  phones.delete(device.identity.phone);
  return [...phones];
}

async function usersOf(app: Kittiwake, phones: readonly string[]): Promise<string[]> {
  const contacts = await Promise.all(phones.map((phone) => app.findUser(phone).catch(() => null)));
  return contacts.flatMap((contact) => (contact === null ? [] : [contact.userId]));
}

function groupOf(device: Device, at: number): string | null {
  const records = [...device.data.single.conversations.values()] as ConversationRecord[];
  const ids = records.filter(({ kind }) => kind === "group").map(({ conversationId }) => conversationId);
  return ids.sort()[Math.floor(at * ids.length)] ?? null;
}
