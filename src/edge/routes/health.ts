/** GET /v1/health: that the Worker runs and its configuration is complete. */
import { Hono } from "hono";
import { readConfig } from "../../config.ts";
import { protocolVersion } from "../../protocol/version.ts";
import type { EdgeEnv } from "../context.ts";

export const healthRoutes = new Hono<EdgeEnv>().get("/", (c) =>
  c.json({ status: "ok", protocol: protocolVersion, environment: readConfig(c.env).ENVIRONMENT }),
);
