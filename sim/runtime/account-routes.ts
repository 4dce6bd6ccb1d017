/** The simulated edge's routes to Accounts: devices, key packages, profiles. As src/edge/routes has them. */
import type { Account } from "../../durable/account/account.ts";
import type { Conversation } from "../../durable/conversation/conversation.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { type DeviceRef, directConversationId } from "../../src/protocol/ids.ts";
import { claimRequestSchema, keyPackagesRequestSchema, profileSchema } from "../../src/protocol/mls.ts";
import type { EdgeRequest } from "./edge-routes.ts";

export interface Objects {
  account(userId: string): Account;
  conversation(id: string): Conversation;
}

export async function answerForAccount(
  { method, body }: EdgeRequest,
  self: DeviceRef,
  objects: Objects,
  [what = "", id = ""]: string[],
): Promise<unknown> {
  const account = objects.account(self.user_id);
  if (what === "profile") {
    const refused = await account.storeProfile(self.device_id, profileSchema.parse(body).sealed);
    if (refused !== null) throw new ProtocolError(refused.code, refused.details);
    return {};
  }
  if (what === "key-packages") {
    if (method === "PUT") {
      const { packages } = keyPackagesRequestSchema.parse(body);
      const refused = await account.storeKeyPackages(self.device_id, packages);
      if (refused !== null) throw new ProtocolError(refused.code, refused.details);
    }
    return orRevoked(await account.countKeyPackages(self.device_id));
  }
  if (method === "DELETE") {
    const refused = await account.revokeDevice(self.device_id, Number(id));
    if (refused !== null) throw new ProtocolError(refused);
    return {};
  }
  const devices = orRevoked(await account.devices(self.device_id));
  return {
    devices: devices.map((device) => ({ ...device, is_this: device.device_id === self.device_id })),
  };
}

/** POST /v1/key-packages/claim */
export async function claim(body: unknown, self: DeviceRef, objects: Objects): Promise<unknown> {
  const { suite, user_ids } = claimRequestSchema.parse(body);
  const waitMs = orRevoked(await objects.account(self.user_id).takeClaims(self.device_id, user_ids.length));
  if (waitMs > 0) throw new ProtocolError("rate_limited", { retry_after_ms: waitMs });
  const users = [];
  for (const user_id of new Set(user_ids)) {
    const chat = await directConversationId(self.user_id, user_id);
    const isKnown =
      user_id === self.user_id || (await objects.conversation(chat).state(self))?.kind === "direct";
    const call = { claimer: self, suite, isStranger: !isKnown };
    users.push({ user_id, devices: (await objects.account(user_id).claimKeyPackages(call)) ?? [] });
  }
  return { users };
}

function orRevoked<T>(answer: T | null): T {
  if (answer === null) throw new ProtocolError("revoked");
  return answer;
}
