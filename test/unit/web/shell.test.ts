import { describe, expect, it, vi } from "vitest";
import type { ConnectionState } from "../../../src/client/contract.ts";
import { bannerOf } from "../../../src/web/state/connection-watch.ts";
import { errorSentence } from "../../../src/web/state/error-sentence.ts";
import { createRefresher } from "../../../src/web/state/refresher.ts";
import { formatRoute, parseRoute } from "../../../src/web/state/route.ts";
import { createRouter } from "../../../src/web/state/router.ts";
import { createStore } from "../../../src/web/state/store.ts";
import { type Harness, startWithChat } from "./app-harness.ts";
import { FakeHistory } from "./fake-platform.ts";

const waiting: ConnectionState = { status: "waiting", attempt: 1, retryAtMs: 0 };
const banner = (app: Harness): string | null => {
  const { connection, isAway, isNetworkUp } = app.state();
  return bannerOf(connection, isAway, isNetworkUp)?.kind ?? null;
};

describe("the banner [F11]", () => {
  it("comes only after three seconds without a connection, whatever states they were spent in", () => {
    const app = startWithChat();
    app.kittiwake.become(waiting);
    app.platform.advance(2_000);
    app.kittiwake.become({ status: "connecting", attempt: 2 });
    app.platform.advance(999);
    expect(banner(app)).toBeNull();
    app.platform.advance(1);
    expect(banner(app)).toBe("reconnecting");
    app.kittiwake.become({ status: "resuming" });
    expect(banner(app)).toBe("catching_up");
    app.kittiwake.become({ status: "live" });
    expect(banner(app)).toBeNull();
  });

  it("does not come for a short interruption, nor count two of them together", () => {
    const app = startWithChat();
    for (let round = 0; round < 3; round++) {
      app.kittiwake.become(waiting);
      app.platform.advance(2_000);
      app.kittiwake.become({ status: "live" });
    }
    expect(banner(app)).toBeNull();
  });

  it("names the network when the browser says that it is down", () => {
    const app = startWithChat();
    app.platform.change({ isUp: false });
    app.kittiwake.become(waiting);
    app.platform.advance(3_000);
    expect(banner(app)).toBe("offline");
  });

  it("does not wait for the socket to notice that the network is down", () => {
    const app = startWithChat();
    app.platform.change({ isUp: false });
    app.platform.advance(3_000);
    expect(banner(app)).toBe("offline");
    app.platform.change({ isUp: true });
    expect(banner(app)).toBeNull();
  });

  it("shows a following tab how its leader stands", () => {
    const app = startWithChat();
    app.kittiwake.become({ status: "following", leader: "live" });
    app.platform.advance(5_000);
    expect(banner(app)).toBeNull();
    app.kittiwake.become({ status: "following", leader: "waiting" });
    app.platform.advance(3_000);
    expect(banner(app)).toBe("reconnecting");
  });

  it.each(["replaced", "unsupported_version"] as const)("says at once that the device is %s", (reason) => {
    const app = startWithChat();
    app.kittiwake.become({ status: "stopped", reason });
    expect(banner(app)).toBe(reason);
  });
});

describe("waking", () => {
  it("tries the connection when the network or the page comes back, not when they go", () => {
    const app = startWithChat();
    app.platform.change({ isUp: false });
    app.platform.change({ isFront: false });
    expect(app.kittiwake.calls).toEqual([]);
    app.platform.change({ isUp: true });
    app.platform.change({ isFront: true });
    expect(app.kittiwake.calls).toEqual(["wake", "wake"]);
  });
});

describe("routes", () => {
  it.each(["#/", "#/settings", "#/new-group", "#/chat/Abc-_1", "#/chat/Abc-_1/group"])(
    "%s is read as it is written",
    (hash) => {
      expect(formatRoute(parseRoute(hash))).toBe(hash);
    },
  );
  it.each([
    "",
    "#",
    "#/chat",
    "#/chat/",
    "#/chat/a/b",
    "#/chat/a/group/b",
    "#/chat/%3Cscript%3E",
    "#/nowhere",
  ])("%j leads to the list", (hash) => {
    expect(parseRoute(hash)).toEqual({ screen: "chats" });
  });

  it("keep one screen above the list, so that back always leads to the list", () => {
    const port = new FakeHistory();
    const router = createRouter(port);
    const heard: string[] = [];
    router.listen((route) => heard.push(formatRoute(route)));
    router.go({ screen: "chat", conversationId: "a" });
    router.go({ screen: "chat", conversationId: "b" });
    router.go({ screen: "settings" });
    expect(port.entries.map((entry) => entry.url)).toEqual(["", "#/settings"]);
    router.go({ screen: "chats" });
    expect(heard).toEqual(["#/chat/a", "#/chat/b", "#/settings", "#/"]);
  });

  it("put a group above its chat, and lead from there to any other screen with the list below it", () => {
    const port = new FakeHistory();
    const router = createRouter(port);
    const heard: string[] = [];
    router.listen((route) => heard.push(formatRoute(route)));
    router.go({ screen: "chat", conversationId: "a" });
    router.go({ screen: "group", conversationId: "a" });
    expect(port.entries.map((entry) => entry.url)).toEqual(["", "#/chat/a", "#/chat/a/group"]);
    router.go({ screen: "chat", conversationId: "b" });
    expect(formatRoute(router.current())).toBe("#/chat/b");
    router.go({ screen: "group", conversationId: "b" });
    router.go({ screen: "chats" });
    expect(port.entries[0]?.url).toBe("");
    expect(heard).toEqual(["#/chat/a", "#/chat/a/group", "#/chat/b", "#/chat/b/group", "#/"]);
  });

  it("do not go back twice for two keys pressed before the browser has gone back once", () => {
    const port = new FakeHistory();
    const router = createRouter(port);
    router.listen(() => undefined);
    router.go({ screen: "chat", conversationId: "a" });
    router.go({ screen: "group", conversationId: "a" });
    const arrive = port.holdMoves();
    router.go({ screen: "chat", conversationId: "a" });
    router.go({ screen: "chat", conversationId: "a" });
    arrive();
    expect(formatRoute(router.current())).toBe("#/chat/a");
  });

  it("stay inside the app when it was entered in a chat", () => {
    const port = new FakeHistory();
    port.history.replaceState(null, "", "#/chat/a");
    const router = createRouter(port);
    router.go({ screen: "chats" });
    expect(port.entries.map((entry) => entry.url)).toEqual(["#/"]);
  });
});

describe("the store", () => {
  it("tells of a change once, and of no change never", () => {
    const store = createStore({ count: 0 });
    const listener = vi.fn();
    const unsubscribe = store.subscribe(listener);
    store.update((state) => state);
    store.update((state) => ({ count: state.count + 1 }));
    unsubscribe();
    store.update((state) => ({ count: state.count + 1 }));
    expect(listener).toHaveBeenCalledTimes(1);
    expect(store.get().count).toBe(2);
  });
});

describe("the refresher", () => {
  it("answers a burst with one read under way and one after it", async () => {
    const read = vi.fn(() => Promise.resolve());
    const refresher = createRefresher(read, () => undefined);
    await Promise.all(Array.from({ length: 100 }, () => refresher.refresh()));
    expect(read).toHaveBeenCalledTimes(2);
  });

  it("goes on after a read that failed", async () => {
    const failures: unknown[] = [];
    const read = vi.fn(() => Promise.reject(new Error("no")));
    const refresher = createRefresher(read, (error) => failures.push(error));
    await refresher.refresh();
    await refresher.refresh();
    expect(failures).toHaveLength(2);
  });
});

it("never shows the text of an error that was not written for people", () => {
  expect(errorSentence(new TypeError("x is undefined"))).toBe(
    "Something went wrong on this device. Reload the page and try again.",
  );
});

it.each(["ProtocolError", "ConnectionError", "EncryptionError", "OwnNumberError", "PictureError"])(
  "shows the sentence of a %s, which says what to do",
  (name) => {
    const error = new Error("Do this next.");
    error.name = name;
    expect(errorSentence(error)).toBe("Do this next.");
  },
);
