/**
 * [E14] A member cannot commit its own Remove. It signs that it leaves, with its leaf key, for this group and epoch;
 * with that statement in the log any member commits the Remove of all of that user's devices.
 */

import { uint64 } from "../../mls-guard/bytes.ts";
import { userIdBytes } from "../../mls-guard/credential.ts";
import { encodeGroupId } from "../../mls-guard/group-id.ts";
import type { DeviceRef } from "../../protocol/ids.ts";
import { attempt, type Result } from "./failures.ts";
import { assertActive, epochOf, type Group, leafOf } from "./group.ts";
import type { Device } from "./identity.ts";
import { sign, verify } from "./signed.ts";

export interface LeaveStatement {
  device: DeviceRef;
  epoch: number;
  signature: Uint8Array;
}

export function makeLeave(group: Group, device: Device): Promise<Result<LeaveStatement>> {
  return attempt("malformed", async () => {
    assertActive(group);
    const epoch = epochOf(group);
    const signature = await sign(device.leafKey.privateKey, "leave", ...signed(group, epoch, device.ref));
    return { device: device.ref, epoch, signature };
  });
}

/** A statement of an earlier epoch stays true: commits may have come between. */
export async function isLeave(group: Group, { device, epoch, signature }: LeaveStatement): Promise<boolean> {
  const leaf = leafOf(group, device);
  if (leaf === null || epoch > epochOf(group)) return false;
  return await verify(leaf.node.signaturePublicKey, signature, "leave", ...signed(group, epoch, device));
}

function signed(group: Group, epoch: number, device: DeviceRef): Uint8Array[] {
  return [encodeGroupId(group), uint64(epoch), userIdBytes(device.user_id)];
}
