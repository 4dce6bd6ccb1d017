/** crypto-basics, deserialization, tree-math, psk_secret, key-schedule, secret-tree, transcript-hashes. */
import { strict as assert } from "node:assert";
import { type CiphersuiteImpl, type GroupContext, mlsExporter, type PreSharedKeyID } from "ts-mls";
import { decodeAuthenticatedContent } from "ts-mls/authenticatedContent.js";
import { determineLength } from "ts-mls/codec/variableLength.js";
import { refhash } from "ts-mls/crypto/hash.js";
import { decryptWithLabel, encryptWithLabel } from "ts-mls/crypto/hpke.js";
import { deriveSecret, deriveTreeSecret, expandWithLabel } from "ts-mls/crypto/kdf.js";
import { signWithLabel, verifyWithLabel } from "ts-mls/crypto/signature.js";
import { verifyConfirmationTag } from "ts-mls/framedContent.js";
import { encodeGroupContext } from "ts-mls/groupContext.js";
import { initializeEpoch } from "ts-mls/keySchedule.js";
import { computePskSecret } from "ts-mls/presharedkey.js";
import {
  createSecretTree,
  deriveKey,
  deriveNonce,
  type GenerationSecret,
  ratchetUntil,
} from "ts-mls/secretTree.js";
import { expandSenderDataKey, expandSenderDataNonce } from "ts-mls/sender.js";
import { createConfirmedHash, createInterimHash } from "ts-mls/transcriptHash.js";
import { left, nodeWidth, parent, right, root, sibling, toNodeIndex } from "ts-mls/treemath.js";
import { same, Vector, whole } from "./vector.ts";

export async function cryptoBasics(vector: Vector): Promise<void> {
  const suite = await vector.suite();
  const ref = vector.vector("ref_hash");
  same(await refhash(ref.text("label"), ref.bytes("value"), suite.hash), ref.bytes("out"), "RefHash");
  const expand = vector.vector("expand_with_label");
  same(
    await expandWithLabel(
      expand.bytes("secret"),
      expand.text("label"),
      expand.bytes("context"),
      expand.number("length"),
      suite.kdf,
    ),
    expand.bytes("out"),
    "ExpandWithLabel",
  );
  const derive = vector.vector("derive_secret");
  same(
    await deriveSecret(derive.bytes("secret"), derive.text("label"), suite.kdf),
    derive.bytes("out"),
    "DeriveSecret",
  );
  const tree = vector.vector("derive_tree_secret");
  same(
    await deriveTreeSecret(
      tree.bytes("secret"),
      tree.text("label"),
      tree.number("generation"),
      tree.number("length"),
      suite.kdf,
    ),
    tree.bytes("out"),
    "DeriveTreeSecret",
  );
  await signatures(vector.vector("sign_with_label"), suite);
  await encryption(vector.vector("encrypt_with_label"), suite);
}

async function signatures(vector: Vector, { signature }: CiphersuiteImpl): Promise<void> {
  const [label, content, publicKey] = [vector.text("label"), vector.bytes("content"), vector.bytes("pub")];
  const signed = [
    vector.bytes("signature"),
    await signWithLabel(vector.bytes("priv"), label, content, signature),
  ];
  for (const bytes of signed)
    assert(await verifyWithLabel(publicKey, label, content, bytes, signature), "verifies");
}

async function encryption(vector: Vector, { hpke }: CiphersuiteImpl): Promise<void> {
  const [label, context, plaintext] = [
    vector.text("label"),
    vector.bytes("context"),
    vector.bytes("plaintext"),
  ];
  const privateKey = await hpke.importPrivateKey(vector.bytes("priv"));
  const open = (kem: Uint8Array, text: Uint8Array) =>
    decryptWithLabel(privateKey, label, context, kem, text, hpke);
  same(await open(vector.bytes("kem_output"), vector.bytes("ciphertext")), plaintext, "DecryptWithLabel");
  const publicKey = await hpke.importPublicKey(vector.bytes("pub"));
  const { enc, ct } = await encryptWithLabel(publicKey, label, context, plaintext, hpke);
  same(await open(enc, ct), plaintext, "EncryptWithLabel and back");
}

export function deserialization(vector: Vector): void {
  assert.equal(determineLength(vector.bytes("vlbytes_header")).length, vector.number("length"));
}

export function treeMath(vector: Vector): void {
  const leaves = vector.number("n_leaves");
  assert.equal(nodeWidth(leaves), vector.number("n_nodes"));
  const rootIndex = root(leaves);
  assert.equal(rootIndex, vector.number("root"));
  const relations = {
    left: (index: number) => left(toNodeIndex(index)),
    right: (index: number) => right(toNodeIndex(index)),
    parent: (index: number) => parent(toNodeIndex(index), leaves),
    sibling: (index: number) => sibling(toNodeIndex(index), leaves),
  };
  for (const [name, relation] of Object.entries(relations)) {
    for (const [index, expected] of vector.list(name).entries()) {
      if (expected === null) assert.throws(() => relation(index), `${name} of ${index}`);
      else assert.equal(relation(index), expected, `${name} of ${index}`);
    }
  }
}

export async function pskSecret(vector: Vector): Promise<void> {
  const psks = vector
    .vectors("psks")
    .map((psk): [PreSharedKeyID, Uint8Array] => [
      { psktype: "external", pskId: psk.bytes("psk_id"), pskNonce: psk.bytes("psk_nonce") },
      psk.bytes("psk"),
    ]);
  same(await computePskSecret(psks, await vector.suite()), vector.bytes("psk_secret"), "psk_secret");
}

export async function keySchedule(vector: Vector): Promise<void> {
  const suite = await vector.suite();
  let initSecret = vector.bytes("initial_init_secret");
  for (const [index, epoch] of vector.vectors("epochs").entries()) {
    const context: GroupContext = {
      version: "mls10",
      cipherSuite: suite.name,
      groupId: vector.bytes("group_id"),
      epoch: BigInt(index),
      treeHash: epoch.bytes("tree_hash"),
      confirmedTranscriptHash: epoch.bytes("confirmed_transcript_hash"),
      extensions: [],
    };
    same(encodeGroupContext(context), epoch.bytes("group_context"), "group_context");
    const commitSecret = epoch.bytes("commit_secret");
    const made = await initializeEpoch(
      initSecret,
      commitSecret,
      context,
      epoch.bytes("psk_secret"),
      suite.kdf,
    );
    const { keySchedule: keys } = made;
    const derived: [string, Uint8Array][] = [
      ["joiner_secret", made.joinerSecret],
      ["welcome_secret", made.welcomeSecret],
      ["encryption_secret", made.encryptionSecret],
      ["init_secret", keys.initSecret],
      ["sender_data_secret", keys.senderDataSecret],
      ["exporter_secret", keys.exporterSecret],
      ["epoch_authenticator", keys.epochAuthenticator],
      ["external_secret", keys.externalSecret],
      ["confirmation_key", keys.confirmationKey],
      ["membership_key", keys.membershipKey],
      ["resumption_psk", keys.resumptionPsk],
    ];
    for (const [name, secret] of derived) same(secret, epoch.bytes(name), name);
    const external = await suite.hpke.deriveKeyPair(keys.externalSecret);
    same(await suite.hpke.exportPublicKey(external.publicKey), epoch.bytes("external_pub"), "external_pub");
    const exporter = epoch.vector("exporter");
    const [label, length] = [exporter.text("label"), exporter.number("length")];
    const exported = await mlsExporter(keys.exporterSecret, label, exporter.bytes("context"), length, suite);
    same(exported, exporter.bytes("secret"), "MLS-Exporter");
    initSecret = keys.initSecret;
  }
}

export async function secretTree(vector: Vector): Promise<void> {
  const suite = await vector.suite();
  const data = vector.vector("sender_data");
  const [secret, ciphertext] = [data.bytes("sender_data_secret"), data.bytes("ciphertext")];
  same(await expandSenderDataKey(suite, secret, ciphertext), data.bytes("key"), "sender data key");
  same(await expandSenderDataNonce(suite, secret, ciphertext), data.bytes("nonce"), "sender data nonce");
  const leaves = vector.list("leaves");
  const tree = await createSecretTree(leaves.length, vector.bytes("encryption_secret"), suite.kdf);
  for (const [index, generations] of leaves.entries()) {
    const node = tree[2 * index];
    assert(node !== undefined && Array.isArray(generations));
    for (const generation of generations.map((json) => new Vector(json))) {
      await checkRatchet(node.application, "application", generation, suite);
      await checkRatchet(node.handshake, "handshake", generation, suite);
    }
  }
}

async function checkRatchet(
  start: GenerationSecret,
  kind: string,
  vector: Vector,
  suite: CiphersuiteImpl,
): Promise<void> {
  const config = { retainKeysForGenerations: 4, retainKeysForEpochs: 1, maximumForwardRatchetSteps: 1_000 };
  const [{ secret, generation }] = await ratchetUntil(start, vector.number("generation"), config, suite.kdf);
  same(await deriveKey(secret, generation, suite), vector.bytes(`${kind}_key`), `${kind} key`);
  same(await deriveNonce(secret, generation, suite), vector.bytes(`${kind}_nonce`), `${kind} nonce`);
}

export async function transcriptHashes(vector: Vector): Promise<void> {
  const suite = await vector.suite();
  const bytes = vector.bytes("authenticated_content");
  const { auth, content, wireformat } = whole(decodeAuthenticatedContent(bytes, 0), bytes);
  assert(auth.contentType === "commit" && content.contentType === "commit");
  const input = { wireformat, content, signature: auth.signature };
  const confirmed = await createConfirmedHash(
    vector.bytes("interim_transcript_hash_before"),
    input,
    suite.hash,
  );
  same(confirmed, vector.bytes("confirmed_transcript_hash_after"), "confirmed transcript hash");
  const interim = await createInterimHash(confirmed, auth.confirmationTag, suite.hash);
  same(interim, vector.bytes("interim_transcript_hash_after"), "interim transcript hash");
  const key = vector.bytes("confirmation_key");
  assert(await verifyConfirmationTag(key, auth.confirmationTag, confirmed, suite.hash), "confirmation tag");
}
