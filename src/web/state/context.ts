/** What every group of actions works on. */
import type { Kittiwake } from "../../client/contract.ts";
import type { AppState } from "./app-state.ts";
import type { OpenChat } from "./open-chat.ts";
import type { OpenGroup } from "./open-group.ts";
import type { Platform } from "./platform.ts";
import type { Refresher } from "./refresher.ts";
import type { Router } from "./router.ts";
import type { Store } from "./store.ts";

export interface ActionContext {
  kittiwake: Kittiwake;
  store: Store<AppState>;
  platform: Platform;
  router: Router;
  openChat: OpenChat;
  openGroup: OpenGroup;
  conversations: Refresher;
  /** Shows a failure that belongs to no form. */
  report: (error: unknown) => void;
}
