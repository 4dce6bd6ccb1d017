/**
 * The stateless Worker, made small: the routes of src/protocol/http.ts mapped to calls on the objects, tokens that are
 * plain text, a Directory that is a map. It is the one part that is not the product's own, because WebCrypto is not
 * deterministic; Account, Conversation and Inbox are the real ones.
 */
import type { z } from "zod";
import { closeCodes } from "../../src/protocol/close-codes.ts";
import { errorBody, errorStatus, ProtocolError } from "../../src/protocol/errors.ts";
import { deviceKey } from "../../src/protocol/ids.ts";
import { parseOfferedProtocols } from "../../src/protocol/version.ts";
import type { Device } from "../actors/device.ts";
import type { DeviceSocket } from "../actors/device-socket.ts";
import { type EdgeRequest, EdgeRoutes } from "./edge-routes.ts";
import type { Rng } from "./rng.ts";
import type { Caller } from "./rpc.ts";
import { namespace } from "./rpc.ts";
import { describe } from "./sim-object.ts";
import { readToken } from "./tokens.ts";
import { Wire } from "./wire.ts";
import type { World } from "./world.ts";

export interface EdgeAnswer {
  status: number;
  text: string;
}
export type Body = z.infer<z.ZodType>;

export class Edge implements Caller {
  readonly name = "edge";
  readonly skewMs = 0;
  readonly life = {};
  readonly rng: Rng;
  readonly #world: World;
  readonly #routes: EdgeRoutes;

  constructor(world: World) {
    this.#world = world;
    this.rng = world.rng("edge");
    this.#routes = new EdgeRoutes(world, this.rng);
  }

  get routes(): EdgeRoutes {
    return this.#routes;
  }
  endTurn(): void {}
  failed(error: unknown): void {
    this.#world.observer.unexpected(this.name, describe(error));
  }

  /** `answered` is called in a turn of the device, unless request or answer is lost. */
  fetch(device: Device, request: EdgeRequest, answered: (answer: EdgeAnswer) => void): void {
    const { scheduler, faults, observer } = this.#world;
    observer.httpUp(device, request.path, request.body);
    if (!device.isOnline || device.rng.chance(faults.httpLostChance)) return;
    if (device.rng.chance(faults.httpTwiceChance)) {
      this.#world.say(device.name, () => `has ${request.method} ${request.path} sent twice`);
      const delayMs = device.netDelayMs() + this.rng.between(0, 2_000);
      scheduler.after(delayMs, "http request again", this, () => void this.#answer(request));
    }
    scheduler.after(device.netDelayMs(), "http request", this, () => {
      void this.#answer(request).then((answer) => {
        scheduler.mix(answer.text.length);
        if (!device.isOnline || device.rng.chance(faults.httpAnswerLostChance)) {
          this.#world.say(device.name, () => `never gets the answer to ${request.method} ${request.path}`);
          return;
        }
        if (answer.status < 300) observer.httpDown(device, request.path, JSON.parse(answer.text));
        scheduler.after(device.netDelayMs(), "http answer", device, () => answered(answer));
      });
    });
  }

  async #answer(request: EdgeRequest): Promise<EdgeAnswer> {
    try {
      const answer = await this.#routes.answer(request);
      return { status: 200, text: typeof answer === "string" ? answer : JSON.stringify(answer) };
    } catch (error) {
      const { code, details } = error instanceof ProtocolError ? error : new ProtocolError("internal");
      return { status: errorStatus(code), text: JSON.stringify(errorBody(code, details)) };
    }
  }

  /** Opens a socket to the object that the path names. */
  upgrade(device: Device, path: string, protocols: readonly string[], socket: DeviceSocket): void {
    const { scheduler } = this.#world;
    this.#world.say(
      device.name,
      () => `connects to ${path.replace(/[\w-]{43}/, (match) => match.slice(0, 6))}`,
    );
    if (!device.isOnline || device.rng.chance(this.#world.faults.httpLostChance)) {
      // Refused at once, or never heard of again: the device's own time limit ends it.
      if (device.rng.chance(0.5))
        scheduler.after(device.rng.between(1, 3_000), "socket refused", device, () => socket.closed(1006));
      return;
    }
    scheduler.after(device.netDelayMs(), "upgrade", this, () => {
      if (socket.isClosed) return;
      void this.#connect(path, protocols).then((wire) => {
        if (socket.isClosed || !device.isOnline) wire.cut();
        else wire.attach(device, socket);
      });
    });
  }

  async #connect(path: string, protocols: readonly string[]): Promise<Wire> {
    const { token } = parseOfferedProtocols(protocols.join(", "));
    const device = readToken(token, this.#world.scheduler.now);
    if (device === null) return this.#refused(closeCodes.unauthorized.code);
    const chat = /^\/v1\/conversations\/([\w-]{43})\/socket$/.exec(path)?.[1];
    const objects =
      chat === undefined ? namespace(this.#world, "Inbox") : namespace(this.#world, "Conversation");
    const stub = objects.getByName(chat ?? device.user_id) as {
      fetch(request: unknown): Promise<{ webSocket: { wire: Wire } }>;
    };
    const headers = new Map([
      ["x-kittiwake-user", device.user_id],
      ["x-kittiwake-device", String(device.device_id)],
    ]);
    try {
      const { wire } = (await stub.fetch({ headers })).webSocket;
      wire.key = deviceKey(device);
      return wire;
    } catch {
      return this.#refused(closeCodes.internal.code);
    }
  }

  #refused(code: number): Wire {
    const wire = new Wire(this.#world);
    wire.toClient({ close: code });
    return wire;
  }
}
