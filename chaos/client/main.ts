// The process of one client: its settings are its only argument.
import { openSqliteStore } from "../../src/client/node.ts";
import { runClient } from "./client.ts";
import type { ClientSettings } from "./messages.ts";

const settings = JSON.parse(process.argv[2] ?? "") as ClientSettings;
await runClient(settings, await openSqliteStore(settings.storePath));
