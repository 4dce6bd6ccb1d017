/** What Hono's handlers share: the bindings, and the id under which a request's failure is logged. */
import type { Context } from "hono";
import type { Bindings } from "../config.ts";

export interface EdgeEnv {
  Bindings: Bindings;
  Variables: { requestId: string };
}
export type EdgeContext = Context<EdgeEnv>;
