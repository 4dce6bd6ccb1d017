/**
 * The engine in a worker of its own: requests and answers by number over postMessage. A commit in a large group takes a
 * second, and the page must not stand still meanwhile.
 */
import { ConnectionError } from "../connection-error.ts";
import type { CryptoPort } from "./port.ts";

export interface PortRequest {
  id: number;
  method: string;
  values: unknown[];
}
export type PortAnswer = { id: number; value: unknown } | { id: number; error: string };

export function workerPort(): CryptoPort {
  const worker = new Worker(new URL("./crypto-worker.ts", import.meta.url), { type: "module" });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let lastId = 0;
  worker.onmessage = ({ data }: MessageEvent<PortAnswer>) => {
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if ("error" in data) call?.reject(new Error(data.error));
    else call?.resolve(data.value);
  };
  worker.onerror = () => {
    for (const call of waiting.values())
      call.reject(new ConnectionError("The encryption could not be started. Reload the page."));
    waiting.clear();
  };
  const call = (method: string, values: unknown[]) =>
    new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      worker.postMessage({ id: lastId, method, values } satisfies PortRequest);
    });
  // Every method but `close` is a request under its own name.
  return new Proxy({} as CryptoPort, {
    get: (_, method) => {
      if (method === "close") return () => worker.terminate();
      // A promise looks for `then` in whatever it resolves with.
      if (typeof method !== "string" || method === "then") return undefined;
      return (...values: unknown[]) => call(method, values);
    },
  });
}
