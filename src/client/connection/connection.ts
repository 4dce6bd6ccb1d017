/**
 * One socket that is kept open: the driver of the state machine in state.ts. Serves the inbox socket and chat sockets.
 * Each socket has a link number; whatever an old socket or timer still says is ignored.
 */
import { closeCodes, reconnectPolicy } from "../../protocol/close-codes.ts";
import { ping, pong } from "../../protocol/frames.ts";
import { limits } from "../../protocol/limits.ts";
import { offeredProtocols } from "../../protocol/version.ts";
import type { Environment, Socket, Timer } from "../environment.ts";
import { type Down, packFrames, parseFrames, type Up } from "./frames.ts";
import { type LinkEffect, type LinkEvent, type LinkState, nextStep, type StopReason } from "./state.ts";

export interface ConnectionOptions {
  kind: "inbox" | "chat";
  environment: Environment;
  url: string;
  /** A usable access token; null when the device is signed out. Rejects while there is no network. */
  accessToken(refresh: boolean): Promise<{ token: string } | { signedOut: StopReason }>;
  hello(): Promise<Up>;
  /** In order. Called synchronously: what a frame starts is the receiver's to queue. */
  onFrame(frame: Down, connection: Connection): void;
  onState(state: LinkState, connection: Connection): void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  #state: LinkState = { status: "idle" };
  #socket: Socket | null = null;
  #link = 0;
  #isOpen = false;
  #readyTimer: Timer | null = null;
  #retryTimer: Timer | null = null;
  #pingTimer: Timer | null = null;
  #pongTimer: Timer | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }
  /** Names the present socket; another number means another socket. */
  get link(): number {
    return this.#link;
  }
  get kind(): "inbox" | "chat" {
    return this.#options.kind;
  }
  get canSend(): boolean {
    return this.#isOpen && (this.#state.status === "resuming" || this.#state.status === "live");
  }

  start(): void {
    this.#dispatch({ type: "start" });
  }
  stop(): void {
    this.#dispatch({ type: "stop" });
  }
  wake(): void {
    this.#dispatch({ type: "wake" });
  }
  /** Nothing is heard on this socket any more: open another. */
  giveUp(): void {
    this.#dispatch({ type: "timed_out" });
  }
  signedOut(reason: StopReason): void {
    this.#dispatch({ type: "signed_out", reason });
  }

  /** False when there is no socket to write to. True says nothing about arrival. */
  send(frames: readonly Up[]): boolean {
    if (!this.#isOpen || this.#socket === null) return false;
    for (const text of packFrames(frames)) this.#socket.send(text);
    return true;
  }

  #dispatch(event: LinkEvent): void {
    const { environment } = this.#options;
    const before = this.#state;
    const step = nextStep(before, event, { nowMs: environment.now(), random: environment.random() });
    this.#state = step.state;
    if (step.state.status !== "connecting") this.#clear("ready");
    if (step.state.status !== "waiting") this.#clear("retry");
    for (const effect of step.effects) this.#run(effect);
    if (step.state !== before) this.#options.onState(step.state, this);
  }

  #run(effect: LinkEffect): void {
    switch (effect.type) {
      case "open":
        this.#open(effect.refresh);
        return;
      case "hello":
        // The store that knows our position cannot be read: try again with the next socket.
        this.#hello().catch(() => this.giveUp());
        return;
      case "ping":
        this.#ping();
        return;
      case "close":
        this.#drop();
        return;
      case "wait":
        this.#retryTimer = this.#after(effect.delayMs, { type: "retry_due" });
        return;
    }
  }

  #open(refresh: boolean): void {
    this.#drop();
    const link = this.#link;
    this.#readyTimer = this.#after(limits.connectTimeoutMs, { type: "timed_out" });
    this.#options.accessToken(refresh).then(
      (access) => {
        if (link !== this.#link) return;
        if ("signedOut" in access) this.#dispatch({ type: "signed_out", reason: access.signedOut });
        else this.#openSocket(access.token, link);
      },
      () => {
        if (link === this.#link) this.#dispatch({ type: "timed_out" });
      },
    );
  }

  #openSocket(token: string, link: number): void {
    const isCurrent = () => link === this.#link;
    this.#socket = this.#options.environment.openWebSocket(this.#options.url, offeredProtocols(token), {
      opened: () => {
        if (!isCurrent()) return;
        this.#isOpen = true;
        this.#schedulePing();
        this.#dispatch({ type: "opened" });
      },
      received: (text) => {
        if (isCurrent()) this.#received(text);
      },
      closed: (code) => {
        if (!isCurrent()) return;
        this.#drop();
        this.#dispatch({ type: "closed", policy: reconnectPolicy(code), reason: stopReason(code) });
      },
    });
  }

  async #hello(): Promise<void> {
    const link = this.#link;
    const frame = await this.#options.hello();
    if (link === this.#link) this.send([frame]);
  }

  #received(text: string): void {
    this.#clear("pong");
    if (text === pong) return;
    const frames = parseFrames(this.#options.kind, text);
    if (frames === null) return this.giveUp();
    const link = this.#link;
    for (const frame of frames) {
      if (link !== this.#link) return;
      // `ready` and `live` change the state only after the receiver has heard of them: it queues, they do not wait.
      this.#options.onFrame(frame, this);
      if (frame.type === "ready") this.#dispatch({ type: "ready" });
      if (frame.type === "live") this.#dispatch({ type: "live" });
    }
  }

  /** [P1] Every 30 s whatever else is sent. */
  #schedulePing(): void {
    this.#clear("ping");
    this.#pingTimer = this.#options.environment.setTimer(limits.pingIntervalMs, () => {
      this.#pingTimer = null;
      this.#ping();
      this.#schedulePing();
    });
  }

  #ping(): void {
    if (!this.#isOpen || this.#socket === null) return;
    this.#socket.send(ping);
    if (this.#pongTimer === null) this.#pongTimer = this.#after(limits.pongTimeoutMs, { type: "timed_out" });
  }

  #drop(): void {
    this.#link += 1;
    this.#isOpen = false;
    for (const which of ["ready", "ping", "pong"] as const) this.#clear(which);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #after(delayMs: number, event: LinkEvent): Timer {
    return this.#options.environment.setTimer(delayMs, () => this.#dispatch(event));
  }

  #clear(which: "ready" | "retry" | "ping" | "pong"): void {
    const timer = {
      ready: this.#readyTimer,
      retry: this.#retryTimer,
      ping: this.#pingTimer,
      pong: this.#pongTimer,
    }[which];
    if (timer !== null) this.#options.environment.clearTimer(timer);
    if (which === "ready") this.#readyTimer = null;
    if (which === "retry") this.#retryTimer = null;
    if (which === "ping") this.#pingTimer = null;
    if (which === "pong") this.#pongTimer = null;
  }
}

function stopReason(code: number): StopReason {
  switch (code) {
    case closeCodes.revoked.code:
      return "revoked";
    case closeCodes.replaced.code:
      return "replaced";
    case closeCodes.unsupportedVersion.code:
      return "unsupported_version";
    default:
      return "not_found";
  }
}
