/** passive-client-welcome, -handling-commit, -random: one joins and follows, whatever the others do. */
import { strict as assert } from "node:assert";
import {
  bytesToBase64,
  type ClientState,
  decodeMlsMessage,
  joinGroup,
  type MLSMessage,
  makePskIndex,
  processMessage,
} from "ts-mls";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import { decodeRatchetTree } from "ts-mls/ratchetTree.js";
import { fromHex, same, type Vector, whole } from "./vector.ts";

export async function passiveClient(vector: Vector): Promise<void> {
  const suite = await vector.suite();
  const psks = Object.fromEntries(
    vector.vectors("external_psks").map((psk) => [bytesToBase64(psk.bytes("psk_id")), psk.bytes("psk")]),
  );
  let state = await joined(vector, psks);
  same(state.keySchedule.epochAuthenticator, vector.bytes("initial_epoch_authenticator"), "at the join");
  for (const [index, epoch] of vector.vectors("epochs").entries()) {
    for (const bytes of [...epoch.list("proposals"), epoch.text("commit")]) {
      const message = decode(fromHex(bytes));
      assert(message.wireformat === "mls_public_message" || message.wireformat === "mls_private_message");
      const result = await processMessage(message, state, makePskIndex(state, psks), () => "accept", suite);
      state = result.newState;
    }
    same(
      state.keySchedule.epochAuthenticator,
      epoch.bytes("epoch_authenticator"),
      `after commit ${index + 1}`,
    );
  }
}

async function joined(vector: Vector, psks: Record<string, Uint8Array>): Promise<ClientState> {
  const [invitation, own] = [decode(vector.bytes("welcome")), decode(vector.bytes("key_package"))];
  assert(invitation.wireformat === "mls_welcome" && own.wireformat === "mls_key_package");
  const privateKeys = {
    initPrivateKey: vector.bytes("init_priv"),
    hpkePrivateKey: vector.bytes("encryption_priv"),
    signaturePrivateKey: vector.bytes("signature_priv"),
  };
  const tree = vector.has("ratchet_tree") ? vector.bytes("ratchet_tree") : null;
  return await joinGroup(
    invitation.welcome,
    own.keyPackage,
    privateKeys,
    makePskIndex(undefined, psks),
    await vector.suite(),
    tree === null ? undefined : whole(decodeRatchetTree(tree, 0), tree),
    undefined,
    defaultClientConfig,
  );
}

function decode(bytes: Uint8Array): MLSMessage {
  return whole(decodeMlsMessage(bytes, 0), bytes);
}
