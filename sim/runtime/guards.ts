/** The objects look into the cheap engine's bytes instead of MLS's, while a run is on. */
import { keyPackageGuard } from "../../durable/account/key-package-guard.ts";
import { commitGuard } from "../../durable/conversation/commit-guard.ts";
import { cheapCommitGuard } from "../crypto/commit-guard.ts";
import { cheapKeyPackageGuard } from "../crypto/key-package-guard.ts";

/** Returns what puts the real ones back. */
export function installGuards(): () => void {
  const real = { commits: { ...commitGuard }, packages: { ...keyPackageGuard } };
  Object.assign(commitGuard, cheapCommitGuard);
  Object.assign(keyPackageGuard, cheapKeyPackageGuard);
  return () => {
    Object.assign(commitGuard, real.commits);
    Object.assign(keyPackageGuard, real.packages);
  };
}
