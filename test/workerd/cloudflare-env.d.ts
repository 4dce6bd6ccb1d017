// Tells `cloudflare:workers` in tests what the Worker is and what it is bound to.
import type { Bindings } from "../../src/config.ts";

declare global {
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: typeof import("../../src/edge/worker.ts");
    }
    interface Env extends Bindings {}
  }
}
