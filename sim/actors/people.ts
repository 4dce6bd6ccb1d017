/** What people do with their devices. Each method is called in a turn of the device; nothing waits for it. */

import { ConnectionError } from "../../src/client/connection-error.ts";
import type { Content } from "../../src/client/content.ts";
import type { ConversationSummary, Kittiwake, Message } from "../../src/client/contract.ts";
import { EncryptionError } from "../../src/client/groups/encryption-error.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { developmentCode } from "../runtime/edge-routes.ts";
import { describe } from "../runtime/sim-object.ts";
import type { Device } from "./device.ts";
import { StoreRefused } from "./memory-store.ts";

export interface Looks {
  /** What an app showed of a chat. */
  shown(device: Device, messages: readonly Message[], summary: ConversationSummary): void;
}

export class People {
  readonly #looks: Looks;
  #texts = 0;
  constructor(looks: Looks) {
    this.#looks = looks;
  }

  /** The app, opened and registered as far as it goes; null while that is under way. */
  app(device: Device): Kittiwake | null {
    if (device.app === null) {
      device.world.say(device.name, () => "opens the app");
      device.open();
      return null;
    }
    if (device.session !== null) return device.app.session === null ? null : device.app;
    // Signed out, an app shows the way in and nothing else.
    for (const close of device.screen.values()) close();
    device.screen.clear();
    this.#register(device, device.app);
    return null;
  }

  send(device: Device, at: number, count: number): void {
    const app = this.app(device);
    const chat = chatOf(device, at);
    if (app === null || chat === null) return;
    for (let i = 0; i < count; i += 1) {
      this.#texts += 1;
      const text = `message ${this.#texts}`;
      device.world.say(device.name, () => `writes "${text}" into ${short(chat)}`);
      this.expect(device, app.send(chat, text));
    }
  }

  startChat(device: Device, others: readonly Device[], at: number): void {
    const app = this.app(device);
    const strangers = others.filter((other) => other.identity.user !== device.identity.user);
    const other = strangers[Math.floor(at * strangers.length)];
    if (app === null || other === undefined || device.isBusy) return;
    device.isBusy = true;
    device.world.say(device.name, () => `starts a chat with ${other.identity.user}`);
    const { life } = device;
    this.expect(
      device,
      app.startChat(other.identity.phone).finally(() => {
        if (device.life === life) device.isBusy = false;
      }),
    );
  }

  openChat(device: Device, at: number): void {
    const app = this.app(device);
    const chat = chatOf(device, at);
    if (app === null || chat === null || device.screen.has(chat)) return;
    device.world.say(device.name, () => `opens ${short(chat)}`);
    device.screen.set(chat, app.openChat(chat));
  }
  closeChat(device: Device, at: number): void {
    const chats = [...device.screen.keys()];
    const chat = chats[Math.floor(at * chats.length)];
    if (chat === undefined) return;
    device.world.say(device.name, () => `closes ${short(chat)}`);
    device.screen.get(chat)?.();
    device.screen.delete(chat);
  }

  read(device: Device, at: number): void {
    const app = this.app(device);
    const chat = chatOf(device, at);
    if (app === null || chat === null) return;
    this.expect(
      device,
      app.messages(chat).then(async (messages) => {
        const seq = messages.reduce((last, message) => Math.max(last, message.seq ?? 0), 0);
        device.world.say(device.name, () => `has read ${short(chat)} up to ${seq}`);
        if (seq > 0) await app.markRead(chat, seq);
      }),
    );
  }
  look(device: Device, at: number): void {
    const app = this.app(device);
    const chat = chatOf(device, at);
    if (app === null || chat === null) return;
    const before = device.data.get("conversations", [chat]);
    this.expect(
      device,
      app.messages(chat).then(async (messages) => {
        const summary = await app.conversation(chat);
        // What changed while it looked may be seen in part.
        const isSteady = device.data.get("conversations", [chat]) === before;
        if (summary !== null && isSteady) this.#looks.shown(device, messages, summary);
      }),
    );
  }

  /** Takes up, or gives up, what failed. Where one is no member any more there is nothing to take up. */
  settleFailed(device: Device, wish: "retry" | "discard"): void {
    const app = this.app(device);
    if (app === null) return;
    for (const chat of device.data.ranged.outbox.keys()) {
      const isMember = device.data.get("conversations", [chat])?.isMember !== false;
      const how = isMember ? wish : "discard";
      for (const item of device.data.records("outbox", chat)) {
        if (item.state !== "failed") continue;
        device.world.say(
          device.name,
          () => `${how === "retry" ? "tries again" : "discards"} "${textOf(item.content)}"`,
        );
        this.expect(
          device,
          how === "retry" ? app.retry(chat, item.messageId) : app.discard(chat, item.messageId),
        );
      }
    }
  }

  wake(device: Device): void {
    this.app(device)?.wake();
  }
  poll(device: Device, waitMs: number): void {
    const app = this.app(device);
    if (app === null) return;
    device.world.say(device.name, () => "polls");
    this.expect(device, app.poll(waitMs));
  }
  logOut(device: Device): void {
    const app = this.app(device);
    if (app === null) return;
    device.world.say(device.name, () => "logs out");
    this.expect(device, app.logOut());
  }
  revokeOther(device: Device, at: number): void {
    const app = this.app(device);
    if (app === null) return;
    this.expect(
      device,
      app.devices().then(async (devices) => {
        const others = devices.filter((other) => !other.isThis);
        const other = others[Math.floor(at * others.length)];
        if (other === undefined) return;
        device.world.say(device.name, () => `logs out its user's device ${other.deviceId}`);
        await app.revokeDevice(other.deviceId);
      }),
    );
  }

  #register(device: Device, app: Kittiwake): void {
    if (device.isBusy) return;
    device.isBusy = true;
    device.world.say(device.name, () => "registers");
    const { phone, user, number } = device.identity;
    const { life } = device;
    const request = { phone, code: developmentCode, deviceName: `Device ${number}`, name: user };
    this.expect(
      device,
      app
        .requestCode(phone)
        .then(() => app.verify(request))
        .finally(() => {
          if (device.life === life) device.isBusy = false;
        }),
    );
  }

  /** A call may fail for want of a network or because the server says no; anything else is a mistake. */
  expect(device: Device, promise: Promise<unknown>): void {
    const { life } = device;
    promise.catch((error: unknown) => {
      if (device.life !== life || error instanceof ConnectionError || StoreRefused.isOne(error)) return;
      if (error instanceof ProtocolError || isForNow(error))
        device.world.say(device.name, () => `is told: ${error.code}`);
      else device.world.observer.unexpected(device.name, `a call rejected: ${describe(error)}`);
    });
  }
}

const forNow = ["no_keys", "no_group", "no_state", "ok", "repairing"];

/** What the user is told to try again later: the other side is about to upload keys, or this side is coming back. */
function isForNow(error: unknown): error is EncryptionError {
  return error instanceof EncryptionError && forNow.includes(error.code);
}

function textOf(content: Content): string {
  return content.type === "text" ? content.text : content.type;
}

export function short(conversationId: string): string {
  return `chat ${conversationId.slice(0, 6)}`;
}

export function chatOf(device: Device, at: number): string | null {
  const chats = [...device.data.single.conversations.keys()].sort();
  return chats[Math.floor(at * chats.length)] ?? null;
}
