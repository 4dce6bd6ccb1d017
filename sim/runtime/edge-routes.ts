/** The routes of the simulated edge. Each does what its namesake in src/edge/routes does, without tokens' cryptography. */
import type { Account } from "../../durable/account/account.ts";
import type { Conversation } from "../../durable/conversation/conversation.ts";
import type { Inbox } from "../../durable/inbox/inbox.ts";
import type { SubmitOutcome } from "../../durable/rpc.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import {
  commitRequestSchema,
  foundRequestSchema,
  messageRequestSchema,
  pageQuerySchema,
  pollRequestSchema,
  verifyRequestSchema,
} from "../../src/protocol/http.ts";
import type { DeviceRef } from "../../src/protocol/ids.ts";
import { limits } from "../../src/protocol/limits.ts";
import { leaveRequestSchema } from "../../src/protocol/mls.ts";
import { answerForAccount, claim } from "./account-routes.ts";
import type { Rng } from "./rng.ts";
import { namespace } from "./rpc.ts";
import { readRefreshToken, readToken, signTokens } from "./tokens.ts";
import type { World } from "./world.ts";

export interface EdgeRequest {
  method: string;
  /** With `/v1`, without query. */
  path: string;
  query: URLSearchParams;
  token: string | null;
  body: unknown;
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
export const developmentCode = "123456";

export class EdgeRoutes {
  readonly #world: World;
  readonly #rng: Rng;
  /** The Directory: phone number → user. */
  readonly users = new Map<string, string>();

  constructor(world: World, rng: Rng) {
    this.#world = world;
    this.#rng = rng;
  }

  async answer(request: EdgeRequest): Promise<unknown> {
    const [, , area = "", id = "", what = ""] = request.path.split("/");
    const objects = {
      account: (userId: string) => this.#accountOf(userId),
      conversation: (conversationId: string) => this.#conversationOf(conversationId),
    };
    switch (area) {
      case "auth":
        return await this.#auth(request, id);
      case "directory":
        return this.#lookUp(request);
      case "users":
        return what === "profile"
          ? { sealed: orNotFound(await this.#accountOf(id).profile()) }
          : { user_id: id, devices: await this.#active(id) };
      case "account":
        return await answerForAccount(request, this.#admit(request.token), objects, [id, what]);
      case "key-packages":
        return await claim(request.body, this.#admit(request.token), objects);
      case "conversations":
        return await this.#conversation(request, id, what);
      case "inbox":
        return await this.#inbox(request, id);
      default:
        throw new ProtocolError("not_found");
    }
  }

  async #auth({ body, token }: EdgeRequest, action: string): Promise<unknown> {
    if (action === "code") return { expires_in_seconds: 600, development_code: developmentCode };
    if (action === "verify") return await this.#verify(verifyRequestSchema.parse(body));
    if (action === "logout") {
      const self = this.#admit(token);
      throwIf(await this.#accountOf(self.user_id).revokeDevice(self.device_id, self.device_id));
      return {};
    }
    const known = readRefreshToken((body as { refresh_token: string }).refresh_token);
    if (known === null) throw new ProtocolError("unauthorized");
    const grant = await this.#accountOf(known.device.user_id).refresh(known.device.device_id, known.grant);
    if ("refused" in grant) throw new ProtocolError(grant.refused);
    return signTokens(known.device, grant, this.#world.scheduler.now);
  }

  async #verify(request: { phone: string; installation_id: string; device_name: string }): Promise<unknown> {
    const userId = this.users.get(request.phone) ?? this.#newUserId();
    this.users.set(request.phone, userId);
    const call = { installation_id: request.installation_id, name: request.device_name };
    const linked = await this.#accountOf(userId).addDevice(call);
    if ("refused" in linked) throw new ProtocolError(linked.refused);
    return signTokens({ user_id: userId, device_id: linked.device_id }, linked, this.#world.scheduler.now);
  }

  #lookUp({ body, token }: EdgeRequest): unknown {
    this.#admit(token);
    const { phone } = body as { phone: string };
    const userId = this.users.get(phone);
    if (userId === undefined) throw new ProtocolError("unknown_user");
    return { user_id: userId, phone };
  }

  async #conversation(request: EdgeRequest, id: string, what: string): Promise<unknown> {
    const self = this.#admit(request.token);
    const conversation = this.#conversationOf(id);
    if (request.method === "POST") return await this.#append(conversation, self, request.body, what);
    if (what === "welcome") return orNotFound(await conversation.welcome(self));
    if (what === "group-info") return orNotFound(await conversation.groupInfo(self));
    if (what === "entries") {
      const { after, limit } = pageQuerySchema.parse(Object.fromEntries(request.query));
      // The schema took its bound when it was loaded; a run may have made it smaller.
      const page = await conversation.page(self, after, Math.min(limit, limits.pageEntriesMax));
      return orNotFound(page);
    }
    if (request.method === "PUT") return await this.#found(conversation, self, request.body);
    return orNotFound(await conversation.state(self));
  }

  async #append(
    conversation: Conversation,
    author: DeviceRef,
    body: unknown,
    what: string,
  ): Promise<unknown> {
    if (what === "messages") {
      const [outcome] = await conversation.submit(author, [messageRequestSchema.parse(body)]);
      return accepted(outcome);
    }
    if (what === "leave") return accepted(await conversation.leave(author, leaveRequestSchema.parse(body)));
    const request = commitRequestSchema.parse(body);
    const areActive = await this.#areActive(request.roster_change.add);
    return accepted(await conversation.commit({ author, request, areActive }));
  }

  async #found(conversation: Conversation, author: DeviceRef, body: unknown): Promise<unknown> {
    const request = foundRequestSchema.parse(body);
    const isKnown = async () => ((await conversation.state(author))?.generation ?? 0) >= request.generation;
    if (!(await this.#areActive(request.devices)) && !(await isKnown()))
      throw new ProtocolError("bad_roster");
    const outcome = await conversation.found({ author, ...request });
    if ("refused" in outcome) throw new ProtocolError(outcome.refused.code, outcome.refused.details);
    return outcome.state;
  }

  async #areActive(devices: readonly DeviceRef[]): Promise<boolean> {
    for (const { user_id, device_id } of devices) {
      const active = await this.#accountOf(user_id).activeDevices();
      if (active?.includes(device_id) !== true) return false;
    }
    return true;
  }

  async #inbox({ token, body, query }: EdgeRequest, action: string): Promise<unknown> {
    const self = this.#admit(token);
    const inbox = namespace(this.#world, "Inbox").getByName(self.user_id) as unknown as Inbox;
    const answer =
      action === "poll"
        ? await inbox.poll(self.device_id, pollRequestSchema.parse(body))
        : await inbox.conversations(self.device_id, query.get("before"));
    if (answer === null) throw new ProtocolError("revoked");
    return answer;
  }

  async #active(userId: string): Promise<number[]> {
    const devices = await this.#accountOf(userId).activeDevices();
    if (devices === null) throw new ProtocolError("not_found");
    return devices;
  }

  #conversationOf(id: string): Conversation {
    return namespace(this.#world, "Conversation").getByName(id) as unknown as Conversation;
  }

  #accountOf(userId: string): Account {
    return namespace(this.#world, "Account").getByName(userId) as unknown as Account;
  }

  #admit(token: string | null): DeviceRef {
    const device = readToken(token, this.#world.scheduler.now);
    if (device === null) throw new ProtocolError("unauthorized");
    return device;
  }

  #newUserId(): string {
    const drawn = Array.from({ length: 22 }, () => this.#rng.index(64));
    // Real credentials hold the id as 16 bytes, of which two bits are left for its last character. Runs of the cheap
    // engine keep the ids that the seeds of test/unit/sim/found.test.ts were found with.
    if (this.#world.engine === "real") drawn.push((drawn.pop() ?? 0) & 0b110000);
    return drawn.map((index) => base64url[index]).join("");
  }
}

function accepted(outcome: SubmitOutcome | undefined): unknown {
  if (outcome === undefined) throw new Error("no answer to a submission");
  if ("refused" in outcome) throw new ProtocolError(outcome.refused.code, outcome.refused.details);
  return outcome.accepted;
}

function orNotFound<T>(answer: T | null): T {
  if (answer === null) throw new ProtocolError("not_found");
  return answer;
}

function throwIf(refused: Awaited<ReturnType<Account["revokeDevice"]>>): void {
  if (refused !== null) throw new ProtocolError(refused);
}
