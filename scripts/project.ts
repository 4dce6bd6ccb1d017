// Where things are in this repository, as absolute paths, so that scripts work from any folder.
import { fileURLToPath } from "node:url";

const fromRoot = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

export const project = {
  root: fromRoot("."),
  wranglerConfig: fromRoot("wrangler.toml"),
  /** Executables of the installed packages. */
  bin: (name: string): string => fromRoot(`node_modules/.bin/${name}`),
  dist: fromRoot("dist"),
  webBundle: fromRoot("dist/web"),
  workerBundle: fromRoot("dist/worker"),
  stateDir: fromRoot(".kittiwake/state"),
  secretFile: fromRoot(".kittiwake/secret"),
};
