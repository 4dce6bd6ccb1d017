/** The fake server carries real MLS: what the client's tests stand on, driven by a port and nothing of the client. */
import { base64 } from "@scure/base";
import { beforeEach, describe, expect, it } from "vitest";
import type { MadeCommit } from "../../../src/client/crypto/port.ts";
import { type DeviceRef, deviceKey, directConversationId } from "../../../src/protocol/ids.ts";
import { claimAnswerSchema, groupInfoSchema, welcomeSchema } from "../../../src/protocol/mls.ts";
import {
  encrypt,
  newDevice,
  nowMs,
  position,
  type TestDevice,
  text,
  utf8,
  value,
} from "./crypto/support/ports.ts";
import { FakeServer } from "./support/fake-server.ts";
import { strangerId } from "./support/world.ts";

let server: FakeServer;
let alice: TestDevice;
let bob: TestDevice;
let chat: string;
beforeEach(async () => {
  server = new FakeServer();
  alice = await register("+14155550001");
  bob = await register("+14155550002");
  chat = await directConversationId(alice.ref.user_id, bob.ref.user_id);
});

describe("the fake server", () => {
  it("[E6] counts what was uploaded and gives a stranger the last-resort package", async () => {
    const counts = await ask(bob.ref, "GET", "/account/key-packages");
    expect(counts).toMatchObject({ x_wing: { one_time: 1, last_resort: true } });
    const [given] = await claim(alice.ref, bob.ref.user_id);
    const lastResort = bob.packages.find((own) => own.suite === "x_wing" && own.isLastResort);
    expect(given?.package).toBe(base64.encode(lastResort?.bytes ?? new Uint8Array()));
    await found();
    const oneTime = bob.packages.find((own) => own.suite === "x_wing" && !own.isLastResort);
    const after = await claim(alice.ref, bob.ref.user_id);
    expect(after[0]?.package).toBe(base64.encode(oneTime?.bytes ?? new Uint8Array()));
    expect((await claim(alice.ref, bob.ref.user_id))[0]?.package).toBe(given?.package);
  });

  it("[E2] [E7] [E15] carries a founding, its Welcome and a message that opens", async () => {
    const { made, stateHash } = await found();
    const joined = await welcomed(bob);
    const { sent, place } = await encrypt(alice, made.next, "hello", stateHash);
    const body = {
      message_id: place.messageId,
      generation: 1,
      epoch: 1,
      base_seq: 1,
      silent: false,
      envelope: base64.encode(sent.bytes),
    };
    expect(await ask(alice.ref, "POST", `/conversations/${chat}/messages`, body)).toMatchObject({ seq: 2 });
    const [, entry] = server.log(chat).entries;
    const bytes = base64.decode(entry?.kind === "message" ? entry.envelope : "");
    const opened = value(await bob.port.open(joined, { bytes, place, stateHash }));
    expect(text(opened.content)).toBe("hello");
  });

  it("[E15] refuses the second founder, and repeats its answer to the first", async () => {
    const { request } = await found();
    expect(await ask(alice.ref, "PUT", `/conversations/${chat}`, request)).toMatchObject({
      epoch: 1,
      head: 1,
    });
    const other = { ...request, message_id: strangerId() };
    expect(await ask(bob.ref, "PUT", `/conversations/${chat}`, other)).toBe("already_founded");
  });

  it("[E12] gives a member's new device what it needs to come in, and a stranger nothing", async () => {
    await found();
    const second = await register("+14155550001", 2);
    const stranger = await register("+14155550003");
    const path = `/conversations/${chat}/group-info`;
    expect(await ask(stranger.ref, "GET", path)).toBe("not_found");
    const info = groupInfoSchema.parse(await ask(second.ref, "GET", path));
    const peeked = await second.port.peekCommit(bytesOf(info.commit));
    const at = position(1);
    const made = value(
      await second.port.joinByGroupInfo({
        keys: second.keys,
        conversationId: chat,
        generation: info.generation,
        kind: "direct",
        epoch: info.epoch,
        groupInfo: base64.decode(info.group_info),
        tree: bytesOf(info.tree),
        position: at,
        stateHash: peeked?.stateHash ?? new Uint8Array(32),
        nowMs,
      }),
    );
    const commit = commitRequest(made, at.messageId, { add: [second.ref], remove: [] });
    expect(await ask(second.ref, "POST", `/conversations/${chat}/commits`, commit)).toMatchObject({ seq: 2 });
    expect(server.log(chat).state(second.ref)).toMatchObject({ epoch: 2, first_seq: 2 });
    const again = { ...commit, message_id: strangerId() };
    expect(await ask(second.ref, "POST", `/conversations/${chat}/commits`, again)).toBe("stale_epoch");
  });

  it("[E14] takes nothing but the Remove once somebody has left, who reads up to there", async () => {
    const { made } = await found();
    const log = server.log(chat);
    const leave = { message_id: strangerId(), generation: 1, epoch: 1, base_seq: 1, signature: "AAAA" };
    expect(await ask(bob.ref, "POST", `/conversations/${chat}/leave`, leave)).toMatchObject({ seq: 2 });
    expect(log.state(alice.ref).to_remove).toEqual([bob.ref]);
    const say = () => server.say(chat, alice.ref, "AAAA", strangerId());
    expect(say).toThrow("commit_required");
    const idle = commitRequest(made, strangerId(), { add: [], remove: [] }, 1);
    expect(await ask(alice.ref, "POST", `/conversations/${chat}/commits`, idle)).toBe("commit_required");
    const removal = { ...idle, roster_change: { add: [], remove: [bob.ref] } };
    expect(await ask(alice.ref, "POST", `/conversations/${chat}/commits`, removal)).toMatchObject({ seq: 3 });
    expect(say()).toBe(4);
    expect(log.readable(bob.ref)).toEqual({ first: 1, last: 2 });
    expect(await ask(bob.ref, "GET", `/conversations/${chat}`)).toBe("not_found");
    expect(await ask(bob.ref, "GET", `/conversations/${chat}/entries?after=0`)).toMatchObject({ head: 2 });
  });

  it("keeps blobs by their hash and refuses another name", async () => {
    const bytes = utf8("a large commit");
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes)));
    const hash = base64.encode(digest).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const path = `/conversations/${chat}/blobs`;
    expect((await exchange(alice.ref, "PUT", `${path}/${hash}`, bytes)).ok).toBe(true);
    const got = await exchange(alice.ref, "GET", `${path}/${hash}`);
    expect(text(new Uint8Array(await got.arrayBuffer()))).toBe("a large commit");
    expect((await exchange(alice.ref, "PUT", `${path}/${"x".repeat(43)}`, bytes)).ok).toBe(false);
  });
});

async function register(phone: string, deviceId = 1): Promise<TestDevice> {
  const user = server.user(phone);
  user.devices.push(deviceId);
  const device = await newDevice(user.userId, deviceId);
  const packages = device.packages.map(({ suite, isLastResort, bytes }) => ({
    suite,
    last_resort: isLastResort,
    package: base64.encode(bytes),
  }));
  await ask(device.ref, "PUT", "/account/key-packages", { packages });
  return device;
}

async function claim(by: DeviceRef, userId: string) {
  const body = { suite: "x_wing", user_ids: [userId] };
  const answer = claimAnswerSchema.parse(await ask(by, "POST", "/key-packages/claim", body));
  return answer.users[0]?.devices ?? [];
}

/** Alice founds the chat with what she claims of Bob. */
async function found() {
  const add = (await claim(alice.ref, bob.ref.user_id)).map(({ device_id, package: given }) => ({
    device: { user_id: bob.ref.user_id, device_id },
    bytes: base64.decode(given ?? ""),
  }));
  const { document, hash: stateHash } = await alice.port.makeState(utf8("{}"));
  const at = position(0);
  const options = { conversationId: chat, generation: 1, kind: "direct", keys: alice.keys, add } as const;
  const made = value(await alice.port.found({ ...options, document, position: at, nowMs }));
  const {
    roster_change: _,
    epoch: __,
    base_seq: ___,
    ...objects
  } = commitRequest(made, at.messageId, {
    add: [],
    remove: [],
  });
  const request = { ...objects, kind: "direct", devices: [alice.ref, ...made.added] };
  await ask(alice.ref, "PUT", `/conversations/${chat}`, request);
  return { made, stateHash, request };
}

async function welcomed(device: TestDevice) {
  const got = welcomeSchema.parse(await ask(device.ref, "GET", `/conversations/${chat}/welcome`));
  const { conversation_id, welcome, tree, seq: _, suite: __, ...announced } = got;
  const options = {
    ...announced,
    conversationId: conversation_id,
    keys: device.keys,
    keyPackages: device.packages,
    welcome: bytesOf(welcome),
    tree: bytesOf(tree),
    usedWelcomes: [],
    holdsState: false,
  };
  return value(await device.port.joinByWelcome(options)).group;
}

function commitRequest(
  made: MadeCommit,
  messageId: string,
  rosterChange: { add: DeviceRef[]; remove: DeviceRef[] },
  epoch = made.baseEpoch,
) {
  const inBase64 = (bytes: Uint8Array | null) => (bytes === null ? null : base64.encode(bytes));
  return {
    message_id: messageId,
    generation: 1,
    epoch,
    base_seq: 1,
    envelope: base64.encode(made.bytes),
    roster_change: rosterChange,
    welcome: inBase64(made.welcome),
    group_info: base64.encode(made.groupInfo),
    tree: base64.encode(made.tree),
    sealed_state: inBase64(made.sealedState),
  };
}

function bytesOf(blob: string | { hash: string }): Uint8Array {
  if (typeof blob !== "string") throw new Error("small enough to come inline");
  return base64.decode(blob);
}

/** The answer, or the code of the refusal. */
async function ask(by: DeviceRef, method: string, path: string, body?: object): Promise<unknown> {
  const response = await exchange(by, method, path, body);
  const answer = (await response.json()) as { error?: { code: string } };
  return response.ok ? answer : answer.error?.code;
}

async function exchange(by: DeviceRef, method: string, path: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${deviceKey(by)}.1` };
  const sent = body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
  const init = body === undefined ? { method, headers } : { method, headers, body: sent };
  return await server.fetch(`http://server.test/v1${path}`, init);
}
