/**
 * [E1] Proof by search: people chat through the real server, and nothing of what they wrote, or of how they and their
 * group are called and look, is found in any byte that the server stored, printed, sent or was sent.
 */
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { ServerProcess } from "../../scripts/server-process.ts";
import { type Kittiwake, openKittiwake } from "../../src/client/index.ts";
import { openSqliteStore } from "../../src/client/node.ts";
import { type Hit, type Needle, needleFor, needleForBytes, search } from "../support/needle.ts";
import { recordTraffic, type Traffic } from "./support/traffic.ts";

const phones = ["+14155550191", "+14155550192", "+14155550193"] as const;
/** Devices have their names in the clear, so this one is to be found: the search is no better than what it finds. */
const planted = "Planted device name, found or nothing is proven";
const names = ["Ännchen Ölbaum", "Bartholomäus Wirsing", "Cleopatra Möwenpick"];
const title = "Verschwörung am Donnerstag";
const laterTitle = "Kaffeekränzchen im Freien";
const texts = [
  "The heron stands in the shallow water at dawn",
  "Treffpunkt: unter der großen Brücke, halb acht",
  "密かに会いましょう、橋の下で、八時半に",
  "Bring the documents, and tell nobody about them",
  "Последний поезд уходит без четверти двенадцать",
];
const picture = new Uint8Array([0xff, 0xd8, 0xff, 0xe0, ...randomBytes(3_000)]);

it("[E1] finds nothing of what people wrote, and what was planted", async () => {
  const server = await ServerProcess.start();
  onTestFinished(() => server.dispose());
  const traffic = recordTraffic();
  onTestFinished(() => traffic.stop());

  const people: Kittiwake[] = [];
  for (const index of [0, 1, 2] as const) people.push(await register(server.url, index));
  onTestFinished(async () => void (await Promise.all(people.map((person) => person.close()))));
  await chat(people as [Kittiwake, Kittiwake, Kittiwake]);
  const printed = [{ where: "what it printed", bytes: Buffer.from(server.output) }];
  const alive = filesIn(server.stateDir);
  await server.kill();
  const left = filesIn(server.stateDir);

  const secrets = [
    ...[...names, ...texts, title, laterTitle].map(needleFor),
    needleForBytes("a piece of the picture", Buffer.from(picture.slice(1_000, 1_032))),
  ];
  const places = [...alive, ...left, ...printed, ...traffic.recorded];
  expect(hits(secrets, places)).toEqual([]);
  // Numbers travel when somebody registers or is looked up (and in development the code is printed beside them); they
  // are not kept.
  expect(hits(phones.map(needleFor), [...alive, ...left])).toEqual([]);
  for (const where of [alive, left, traffic.recorded])
    expect(hits([needleFor(planted)], where).length, "the search finds what is there").toBeGreaterThan(0);
  expect(hits([needleFor("Kittiwake is at")], printed)).toHaveLength(1);
});

async function register(url: string, index: 0 | 1 | 2): Promise<Kittiwake> {
  const kittiwake = await openKittiwake({ url, store: await openSqliteStore(":memory:") });
  const phone = phones[index];
  const { developmentCode } = await kittiwake.requestCode(phone);
  await kittiwake.verify({
    phone,
    code: developmentCode ?? "",
    deviceName: planted,
    name: names[index] ?? "",
  });
  return kittiwake;
}

async function chat([alice, bob, cleo]: [Kittiwake, Kittiwake, Kittiwake]): Promise<void> {
  await alice.setProfile({ name: names[0] ?? "", picture });
  const direct = await alice.startChat(phones[1]);
  await alice.send(direct, texts[0] ?? "");
  await shows(bob, direct, texts[0] ?? "");
  await bob.send(direct, texts[1] ?? "");
  await shows(alice, direct, texts[1] ?? "");
  const members = await Promise.all([phones[1], phones[2]].map((phone) => alice.findUser(phone)));
  const userIds = members.map(({ userId }) => userId);
  const group = await alice.createGroup({ name: title, picture, userIds });
  await alice.send(group, texts[2] ?? "");
  await shows(cleo, group, texts[2] ?? "");
  await alice.renameGroup(group, laterTitle);
  await cleo.send(group, texts[3] ?? "");
  await shows(bob, group, texts[3] ?? "");
  await bob.send(group, texts[4] ?? "");
  await shows(alice, group, texts[4] ?? "");
}

async function shows(kittiwake: Kittiwake, conversationId: string, text: string): Promise<void> {
  for (let looks = 0; looks < 600; looks += 1) {
    const messages = await kittiwake.messages(conversationId);
    if (messages.some(({ body }) => body.type === "text" && body.text === text)) return;
    await setTimeout(50);
  }
  throw new Error(`"${text}" has not arrived within half a minute`);
}

function filesIn(folder: string): { where: string; bytes: Buffer }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return { where: path.slice(folder.length), bytes: readFileSync(path) };
    });
}

function hits(needles: readonly Needle[], places: Traffic["recorded"]): Hit[] {
  return places.flatMap(({ where, bytes }) => search(needles, bytes, where));
}
