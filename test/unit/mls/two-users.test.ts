/** [E7] [E15] A direct chat has the two users its id follows from, whomever the server names as its members. */
import { encodeMlsMessage, joinGroupExternal } from "ts-mls";
import { describe, expect, test } from "vitest";
import { libraryConfig } from "../../../src/client/mls/group.ts";
import { decodeGroupInfo, openTree } from "../../../src/client/mls/group-info.ts";
import { decodeKeyPackage, makeKeyPackage, privateKeysOf } from "../../../src/client/mls/key-packages.ts";
import { stateHash } from "../../../src/client/mls/sealed-state.ts";
import { implementationOf } from "../../../src/client/mls/suites.ts";
import { encodeAuthenticatedData } from "../../../src/mls-guard/authenticated-data.ts";
import { commitEntry } from "./support/forge.ts";
import {
  comeIn,
  document,
  externalJoin,
  groupOf,
  invite,
  newDevice,
  nowMs,
  openJudge,
  pick,
  publish,
  value,
} from "./support/world.ts";

async function directChat() {
  const [alice, bob] = [await newDevice(), await newDevice()];
  const { log, members } = await groupOf([alice, bob], "direct");
  return { log, alice: pick(members, 0), bob: pick(members, 1) };
}

describe("a third user in a direct chat", () => {
  test("does not come in by external commit, though GroupInfo and tree are the server's to give", async () => {
    const { log, alice } = await directChat();
    const mallory = await newDevice();
    const own = await makeKeyPackage(mallory, { suite: "x_wing", isLastResort: false, nowMs });
    const position = alice.position();
    const joined = await joinGroupExternal(
      decodeGroupInfo(log.newest.groupInfo),
      decodeKeyPackage(own.bytes),
      privateKeysOf(own, mallory),
      false,
      await implementationOf("x_wing"),
      openTree(log.newest.tree, openJudge).tree,
      libraryConfig,
      encodeAuthenticatedData({ kind: "commit", ...position, stateHash: stateHash(document) }),
    );
    const { publicMessage } = joined;
    const bytes = encodeMlsMessage({ version: "mls10", wireformat: "mls_public_message", publicMessage });
    const entry = { ...commitEntry(alice, bytes, position.messageId), sender: mallory.ref };
    expect((await alice.acceptance(entry)).failure).toBe("not_two_users");
  });

  test("is not added by a user of it", async () => {
    const { log, alice, bob } = await directChat();
    const { claimed } = await invite(await newDevice(), "direct");
    const entry = publish(log, value(await alice.commit({ add: [claimed] })), alice.ref);
    expect((await bob.acceptance(entry)).failure).toBe("not_two_users");
  });

  test("is not joined where the server shows a tree of others", async () => {
    const { log } = await directChat();
    expect((await externalJoin(log, { device: await newDevice() })).failure).toBe("not_two_users");
  });
});

test("both users bring in further devices, and each other after all of one's devices have gone", async () => {
  const { log, alice, bob } = await directChat();
  const second = await comeIn(log, [alice, bob], { device: await newDevice(bob.ref.user_id, 2) });
  await second.publish(value(await second.commit({ remove: [bob.ref] })));
  const last = pick(log.entries, log.entries.length - 1);
  await alice.accept(last);
  await alice.publish(value(await alice.commit({ remove: [second.ref] })));
  const { claimed } = await invite(await newDevice(bob.ref.user_id, 3), "direct");
  await alice.publish(value(await alice.commit({ add: [claimed] })));
  expect(log.epoch).toBe(5);
});
