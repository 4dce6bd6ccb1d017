// Finds a Chromium or Chrome for the browser tests, and installs Debian's where that is possible.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const knownPaths = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** The path of a browser's executable, or null if there is none. KITTIWAKE_BROWSER decides where it is set. */
export function findBrowser(): string | null {
  const chosen = process.env.KITTIWAKE_BROWSER;
  if (chosen !== undefined && chosen !== "") return existsSync(chosen) ? chosen : null;
  return knownPaths.find((path) => existsSync(path)) ?? null;
}

/** Like `findBrowser`, but installs one by apt-get as root on Debian and Ubuntu. Null if none can be had. */
export function findOrInstallBrowser(): string | null {
  const found = findBrowser();
  const mayChoose = (process.env.KITTIWAKE_BROWSER ?? "") === "";
  if (found !== null || !mayChoose || !isRootOnDebian()) return found;
  console.log("No browser found: installing chromium (apt-get) …");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update"], ["install", "-y", "chromium"]]) {
    const { status } = spawnSync("apt-get", args, { stdio: "inherit", env });
    if (status !== 0) return null;
  }
  return findBrowser();
}

export const browserAdvice =
  "No Chromium or Chrome was found: install one, or name its executable in KITTIWAKE_BROWSER.";

function isRootOnDebian(): boolean {
  if (process.getuid?.() !== 0 || !existsSync("/etc/os-release")) return false;
  return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync("/etc/os-release", "utf8"));
}
