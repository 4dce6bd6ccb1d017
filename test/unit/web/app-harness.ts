/** A started app on the fakes, and the wait for what it reads. */
import { expect, onTestFinished, vi } from "vitest";
import { type App, createApp } from "../../../src/web/state/app.ts";
import type { AppState } from "../../../src/web/state/app-state.ts";
import { FakeKittiwake } from "../../support/fake-kittiwake.ts";
import { FakePlatform } from "./fake-platform.ts";

export const ada = { userId: "me", deviceId: 1, phone: "+14155550123", name: "Ada" };

export interface Harness extends App {
  kittiwake: FakeKittiwake;
  platform: FakePlatform;
  state(): AppState;
  /** Waits until the state is as the callback expects. */
  until(check: (state: AppState) => void): Promise<void>;
}

export function startApp(
  prepare: (kittiwake: FakeKittiwake, platform: FakePlatform) => void = () => {},
): Harness {
  const kittiwake = new FakeKittiwake();
  const platform = new FakePlatform();
  prepare(kittiwake, platform);
  const app = createApp(kittiwake, platform);
  const stop = app.start();
  onTestFinished(stop);
  return {
    ...app,
    kittiwake,
    platform,
    state: () => app.store.get(),
    until: (check) => vi.waitFor(() => check(app.store.get()), { interval: 1 }),
  };
}

/** Logged in, with one chat `c1` of ten messages that the other side wrote, all of them read. */
export function startWithChat(): Harness {
  return startApp((kittiwake) => {
    kittiwake.logIn(ada);
    kittiwake.addChat("c1", "Grace", "+12025550123");
    for (let index = 1; index <= 10; index++) kittiwake.receive("c1", `message ${index}`);
    const chat = kittiwake.chats.get("c1");
    if (chat !== undefined) chat.readSeq = 10;
  });
}

/** Opens the chat and says, as the view would, that its end is on screen. */
export async function openAtBottom(app: Harness, conversationId = "c1"): Promise<void> {
  app.actions.go({ screen: "chat", conversationId });
  await app.until((state) => expect(state.chat?.phase).toBe("open"));
  app.actions.setAtBottom(true);
}
