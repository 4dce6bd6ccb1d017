/** Both tokens of a device, as registering and refreshing answer them. */
import type { RefreshGrant } from "../../durable/account/refresh-grant.ts";
import type { Tokens } from "../protocol/http.ts";
import type { DeviceRef } from "../protocol/ids.ts";
import { signAccessToken } from "./access-token.ts";
import { signRefreshToken } from "./refresh-token.ts";

export async function signTokens(secret: string, device: DeviceRef, grant: RefreshGrant): Promise<Tokens> {
  const access = await signAccessToken(secret, device);
  return { ...device, ...access, refresh_token: await signRefreshToken(secret, device, grant) };
}
