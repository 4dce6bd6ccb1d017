/** The app on the fake Kittiwake, for states that a server and a network would have to be broken for to be seen. */
import "../../../src/web/zod-without-eval.ts";
import { h, render } from "preact";
import { AppView } from "../../../src/web/shell/app-view.tsx";
import { createApp } from "../../../src/web/state/app.ts";
import { browserPlatform } from "../../../src/web/state/platform.ts";
import "../../../src/web/style/index.css";
import { FakeKittiwake } from "../../support/fake-kittiwake.ts";

declare global {
  interface Window {
    fake: FakeKittiwake;
  }
}

const fake = new FakeKittiwake();
window.fake = fake;
fake.nowMs = Date.now();
fake.logIn({ userId: "me", deviceId: 1, phone: "+14155550123", name: "Ada" });
for (const [userId, name, phone] of [
  ["u1", "Grace", "+12025550123"],
  ["u2", "Linus", "+447700900123"],
] as const) {
  fake.known.set(userId, { userId, name, phone });
}
fake.addChat("c1", "Grace", "+12025550123");
fake.receive("c1", { type: "notice", notice: { type: "founded" } });

const place = document.getElementById("app");
if (place === null) throw new Error("index.html has lost its element #app");
const app = createApp(fake, browserPlatform());
app.start();
render(h(AppView, { app }), place);
