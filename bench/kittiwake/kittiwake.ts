/** Kittiwake as a contender: the built Worker in the real runtime, with every check that its users run with. */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { project } from "../../scripts/project.ts";
import { startRuntime } from "../../scripts/runtime.ts";
import type { Contender, PairEvents, Server } from "../contender.ts";
import type { Path } from "./connection.ts";
import { foundChat, register } from "./http.ts";
import { openPair } from "./pair.ts";

/** Locally an idle object is evicted, and its database closed with two fsyncs, after ten seconds. */
const evictionMs = 12_000;

export function kittiwake(path: Path, packs: boolean): Contender {
  return {
    name: `Kittiwake, ${path} sockets`,
    durability:
      "an entry is in the Conversation's SQLite log, and the disk has confirmed it (fsync), before its ack and before anybody sees it.",
    start: () => start(path, packs),
  };
}

async function start(path: Path, packs: boolean): Promise<Server> {
  const parent = join(project.root, ".kittiwake/bench");
  mkdirSync(parent, { recursive: true });
  const stateDir = mkdtempSync(join(parent, "state-"));
  const runtime = await startRuntime({
    port: 0,
    stateDir,
    secret: randomBytes(32).toString("hex"),
    environment: "development",
    quiet: true,
  });
  const base = runtime.url;
  let users = 0;
  const newUser = () => register(base, `+1415${5_550_000 + users++}`);
  return {
    async openPair(events: PairEvents) {
      const [sender, receiver] = await Promise.all([newUser(), newUser()]);
      const state = await foundChat(base, sender, receiver);
      return await openPair({ base, path, packs, state, sender, receiver }, events);
    },
    settle: () => setTimeout(evictionMs),
    processIds: runtime.processIds,
    async stop() {
      await runtime.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}
