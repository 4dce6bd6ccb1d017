// npm run sim: many seeds of the real rules, object shells and SDK in one process on virtual time (design.md, section 11).
import { isMainThread } from "node:worker_threads";
import "./runtime/load-hooks.ts";

// Loaded after the hooks are in place: the objects import what only they resolve.
if (isMainThread) await (await import("./cli.ts")).run(process.argv.slice(2));
else (await import("./pool.ts")).serveTasks();
