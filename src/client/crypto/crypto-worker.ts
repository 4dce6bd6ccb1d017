/** The worker's side of worker-port.ts. What throws is answered by its message only: it could hold key material. */
import { makeEngine } from "./engine.ts";
import type { PortAnswer, PortRequest } from "./worker-port.ts";

const engine: object = makeEngine();
const methods = new Map(Object.entries(engine)) as Map<string, (...values: unknown[]) => Promise<unknown>>;

self.onmessage = async ({ data }: MessageEvent<PortRequest>) => {
  self.postMessage(await answer(data));
};

async function answer({ id, method, values }: PortRequest): Promise<PortAnswer> {
  try {
    return { id, value: await methods.get(method)?.(...values) };
  } catch {
    return { id, error: `The encryption failed at ${method}. Reload the page and try again.` };
  }
}
