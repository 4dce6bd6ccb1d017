/** Headers of every `/v1` answer. The web app's own are in src/web/public/_headers. */
import type { MiddlewareHandler } from "hono";
import type { EdgeEnv } from "./context.ts";

const switchingProtocols = 101;

export const securityHeaders: MiddlewareHandler<EdgeEnv> = async (c, next) => {
  await next();
  // An upgrade's answer belongs to the object that gave it and cannot be rewritten.
  if (c.res.status === switchingProtocols) return;
  c.res.headers.set("cache-control", "no-store");
  c.res.headers.set("x-content-type-options", "nosniff");
  c.res.headers.set("referrer-policy", "no-referrer");
  c.res.headers.set("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  c.res.headers.set("cross-origin-resource-policy", "same-origin");
};
