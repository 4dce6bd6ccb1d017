/**
 * The port to the other tabs of this browser, which together are one device: one of them leads. With Web Locks and a
 * BroadcastChannel in browsers; without (Node), a tab is alone and always leads.
 */
export interface Tabs {
  /** Calls `onLead` once this tab leads, at once or when the tab before it goes. Returns what gives the lead up. */
  lead(name: string, onLead: () => void): () => void;
  join(onMessage: (message: unknown) => void): TabChannel;
}

export interface TabChannel {
  /** To every other tab. */
  post(message: unknown): void;
  close(): void;
}

/** The right one for where this runs. */
export function defaultTabs(channelName: string): Tabs {
  const hasTabs = "navigator" in globalThis && "locks" in navigator && "indexedDB" in globalThis;
  return hasTabs ? browserTabs(channelName) : aloneTabs();
}

export function aloneTabs(): Tabs {
  return {
    lead: (_name, onLead) => {
      onLead();
      return () => {};
    },
    join: () => ({ post: () => {}, close: () => {} }),
  };
}

export function browserTabs(channelName: string): Tabs {
  return { lead: leadByLock, join: (onMessage) => joinChannel(channelName, onMessage) };
}

function leadByLock(name: string, onLead: () => void): () => void {
  const waiting = new AbortController();
  let release = () => waiting.abort();
  const held = navigator.locks.request(name, { signal: waiting.signal }, () => {
    const gone = new Promise<void>((resolve) => {
      release = resolve;
    });
    onLead();
    return gone;
  });
  // Rejects when given up while waiting: that is what was asked for.
  held.catch(() => {});
  return () => release();
}

function joinChannel(channelName: string, onMessage: (message: unknown) => void): TabChannel {
  const channel = new BroadcastChannel(channelName);
  channel.onmessage = (event: MessageEvent<unknown>) => onMessage(event.data);
  return { post: (message) => channel.postMessage(message), close: () => channel.close() };
}
