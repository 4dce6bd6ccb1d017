// `npm start`: builds Kittiwake and serves it on this machine until it is interrupted. State lives under
// .kittiwake, so accounts and messages survive a restart.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { BuildFailure, buildIfChanged } from "./build.ts";
import { project } from "./project.ts";

const usage = `Usage: npm start [-- --port 8787] [--host 127.0.0.1] [--state DIR] [--no-build]
The port can also come from KITTIWAKE_PORT.`;

interface StartOptions {
  port: number;
  host: string;
  stateDir: string;
  shouldBuild: boolean;
}

class StartFailure extends Error {}

async function start(): Promise<void> {
  const options = readOptions();
  await assertPortIsFree(options);
  if (options.shouldBuild) {
    console.log("Building Kittiwake …");
    await buildIfChanged();
  }
  // Loading Miniflare takes a second, which a refusal above need not wait for.
  const { startRuntime } = await import("./runtime.ts");
  const runtime = await startRuntime({
    port: options.port,
    host: options.host,
    stateDir: options.stateDir,
    secret: readOrCreateSecret(),
    environment: "development",
  });
  stopOnSignal(runtime.stop);
  const shownHost = ["127.0.0.1", "0.0.0.0"].includes(options.host) ? "localhost" : options.host;
  console.log(`Kittiwake is at http://${shownHost}:${new URL(runtime.url).port}`);
}

function readOptions(): StartOptions {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: process.env.KITTIWAKE_PORT ?? "8787" },
      host: { type: "string", default: "127.0.0.1" },
      state: { type: "string" },
      "no-build": { type: "boolean", default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new StartFailure(`"${values.port}" is not a port; a number up to 65535 is.`);
  }
  return {
    port,
    host: values.host,
    stateDir: values.state === undefined ? project.stateDir : resolve(values.state),
    shouldBuild: !values["no-build"],
  };
}

/** Found out before the build, because workerd would only say so after it, and at length. */
function assertPortIsFree({ port, host }: StartOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => {
      const another = port === 8788 ? 8789 : 8788;
      reject(
        new StartFailure(
          error.code === "EADDRINUSE"
            ? `Port ${port} is in use; take another one by npm start -- --port ${another}`
            : `Kittiwake cannot listen on ${host}:${port} (${error.code ?? error.message}).`,
        ),
      );
    });
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve()));
  });
}

/** Tokens and keyed hashes hang on the secret, so it is made once and lives as long as the state. */
function readOrCreateSecret(): string {
  if (existsSync(project.secretFile)) return readFileSync(project.secretFile, "utf8").trim();
  const secret = randomBytes(32).toString("hex");
  mkdirSync(dirname(project.secretFile), { recursive: true });
  writeFileSync(project.secretFile, `${secret}\n`, { mode: 0o600, flag: "wx" });
  return secret;
}

/** A terminal signals the whole process group and npm forwards the signal once more: only the first counts. */
function stopOnSignal(stop: () => Promise<void>): void {
  let isStopping = false;
  const stopOnce = (): void => {
    if (isStopping) return;
    isStopping = true;
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stopOnce);
}

try {
  await start();
} catch (error) {
  if (error instanceof StartFailure || error instanceof BuildFailure) console.error(error.message);
  else if (error instanceof TypeError && "code" in error) console.error(`${error.message}\n${usage}`);
  else console.error(error);
  process.exit(1);
}
