/** The HTTP side of the Worker: which route answers what, and what surrounds all of them. */
import { Hono } from "hono";
import { limitAddress } from "./admission.ts";
import type { EdgeEnv } from "./context.ts";
import { answerFailure, answerNotFound } from "./failures.ts";
import { accountRoutes } from "./routes/account-devices.ts";
import { authCodeRoutes } from "./routes/auth-code.ts";
import { authSessionRoutes } from "./routes/auth-session.ts";
import { authVerifyRoutes } from "./routes/auth-verify.ts";
import { blobRoutes } from "./routes/blobs.ts";
import { conversationRoutes } from "./routes/conversations.ts";
import { directoryRoutes } from "./routes/directory-lookup.ts";
import { healthRoutes } from "./routes/health.ts";
import { inboxRoutes } from "./routes/inbox.ts";
import { claimRoutes, ownKeyPackageRoutes } from "./routes/key-packages.ts";
import { ownProfileRoutes, profileRoutes } from "./routes/profiles.ts";
import { conversationSocketRoutes, inboxSocketRoutes } from "./routes/sockets.ts";
import { userRoutes } from "./routes/user-devices.ts";
import { securityHeaders } from "./security-headers.ts";

export const app = new Hono<EdgeEnv>();

app.onError(answerFailure);
app.notFound(answerNotFound);

app.use("/v1/*", securityHeaders, async (c, next) => {
  c.set("requestId", crypto.randomUUID());
  await next();
});
app.use("/v1/auth/*", limitAddress);

app.route("/v1/health", healthRoutes);
app.route("/v1/auth/code", authCodeRoutes);
app.route("/v1/auth/verify", authVerifyRoutes);
app.route("/v1/auth", authSessionRoutes);
app.route("/v1/directory", directoryRoutes);
app.route("/v1/users", userRoutes);
app.route("/v1/users", profileRoutes);
app.route("/v1/account/key-packages", ownKeyPackageRoutes);
app.route("/v1/account/profile", ownProfileRoutes);
app.route("/v1/account", accountRoutes);
app.route("/v1/key-packages", claimRoutes);
app.route("/v1/inbox", inboxSocketRoutes);
app.route("/v1/inbox", inboxRoutes);
app.route("/v1/conversations", conversationSocketRoutes);
app.route("/v1/conversations", conversationRoutes);
app.route("/v1/conversations", blobRoutes);
app.all("/v1/*", answerNotFound);

// Everything else is the web app. Cloudflare serves its files before the Worker is asked; this is for what is left.
app.all("*", async (c) => await c.env.ASSETS.fetch(c.req.raw));
