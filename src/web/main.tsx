/** The page's beginning: opens the SDK on this browser's store and puts the app on the page. */
import "./zod-without-eval.ts";
import { render } from "preact";
import { openIndexedDbStore, openKittiwake } from "../client/index.ts";
import { AppView } from "./shell/app-view.tsx";
import { Breakdown } from "./shell/breakdown.tsx";
import { createApp } from "./state/app.ts";
import { browserPlatform } from "./state/platform.ts";
import "./style/index.css";

const place = document.getElementById("app");
if (place === null) throw new Error("index.html has lost its element #app");

try {
  const kittiwake = await openKittiwake({ url: location.origin, store: await openIndexedDbStore() });
  const app = createApp(kittiwake, browserPlatform());
  app.start();
  render(<AppView app={app} />, place);
} catch (error) {
  console.error(error);
  const sentence =
    "The app cannot use this browser's storage. Leave private browsing or allow storage for this site, then reload.";
  render(<Breakdown sentence={sentence} />, place);
}
