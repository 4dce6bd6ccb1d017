/** What the benchmark asks of a messenger: a server that starts, and pairs of users of whom one sends to the other. */

export interface Contender {
  readonly name: string;
  /** What is on the disk when a message counts as delivered. A clause for the report. */
  readonly durability: string;
  /** A server of its own, with empty state. */
  start(): Promise<Server>;
}

export interface Server {
  /** Two new users, connected, nothing under way. */
  openPair(events: PairEvents): Promise<Pair>;
  /** Resolves once what only the making of users woke is asleep again: its work is not the messages'. */
  settle(): Promise<void>;
  /** The server's processes, whose CPU time counts. */
  processIds(): number[];
  stop(): Promise<void>;
}

export interface Pair {
  /** Sends this many more messages in one write. They are numbered from 0 on; the numbers travel with them. */
  send(count: number): void;
  close(): void;
}

export interface PairEvents {
  /** The next `count` messages are at the receiver: none missing, none twice, in the order they were sent. */
  delivered(count: number): void;
  /** The server has acknowledged the next `count` messages to the sender. */
  accepted(count: number): void;
  /** Anything else. The run is void. */
  failed(error: Error): void;
}

/** 100 encrypted bytes in base64: every contender carries the same text. */
export const envelope = Buffer.alloc(100, 0xa5).toString("base64");
