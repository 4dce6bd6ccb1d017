/** Records everything that this process sends and gets over the network: bodies of requests and answers, and frames. */

export interface Traffic {
  /** What it was, and the bytes. */
  readonly recorded: { where: string; bytes: Buffer }[];
  stop(): void;
}

export function recordTraffic(): Traffic {
  const recorded: Traffic["recorded"] = [];
  const keep = (where: string, data: unknown) => {
    if (typeof data === "string") recorded.push({ where, bytes: Buffer.from(data) });
    else if (data instanceof ArrayBuffer) recorded.push({ where, bytes: Buffer.from(data) });
    else if (ArrayBuffer.isView(data))
      recorded.push({ where, bytes: Buffer.from(data.buffer, data.byteOffset, data.byteLength) });
  };
  const { fetch: realFetch, WebSocket: RealWebSocket } = globalThis;
  globalThis.fetch = async (input, init) => {
    keep(`request ${String(input)}`, String(input));
    keep(`request ${String(input)}`, init?.body);
    const answer = await realFetch(input, init);
    keep(`answer of ${String(input)}`, await answer.clone().arrayBuffer());
    return answer;
  };
  globalThis.WebSocket = class extends RealWebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener("message", ({ data }: MessageEvent<unknown>) => keep("frame down", data));
    }
    override send(data: string): void {
      keep("frame up", data);
      super.send(data);
    }
  };
  return {
    recorded,
    stop() {
      globalThis.fetch = realFetch;
      globalThis.WebSocket = RealWebSocket;
    },
  };
}
