/** One's own profile: what was set last is what stays, here and at the server. */
import { base64 } from "@scure/base";
import { expect, it } from "vitest";
import { decodeProfile } from "../../../src/client/group-state.ts";
import type { HttpRequest } from "../../../src/client/http-api.ts";
import { Profiles } from "../../../src/client/profiles/profiles.ts";
import { openSqliteStore } from "../../../src/client/store/sqlite.ts";
import { getValue } from "../../../src/client/store/store.ts";
import type { Desk } from "../../../src/client/sync/desk.ts";
import { plainCrypto, readPlain } from "../../support/plain-crypto.ts";

it("a name that is set while an upload is on its way is neither undone by its answer nor overtaken", async () => {
  const store = await openSqliteStore(":memory:");
  const puts: { sealed: string; answer(): void }[] = [];
  const desk = {
    store,
    session: { userId: "u", name: "First" },
    conversations: () => [],
    emit: () => {},
    call: ({ body }: HttpRequest<unknown>) =>
      new Promise<void>((resolve) => {
        puts.push({ sealed: (body as { sealed: string }).sealed, answer: resolve });
      }),
  } as unknown as Desk;
  const profiles = new Profiles(desk, plainCrypto());
  const turn = async () => await new Promise((resolve) => setTimeout(resolve, 5));
  const first = profiles.set({ name: "First", picture: null });
  await turn();
  const second = profiles.set({ name: "Second", picture: null });
  await turn();
  // If both are under way, the later one arrives first.
  for (const put of [...puts].reverse()) put.answer();
  await turn();
  for (const put of puts) put.answer();
  await Promise.all([first, second]);
  expect(await getValue(store, "own_profile")).toMatchObject({ name: "Second", isUploaded: true });
  const last = readPlain<{ content: string }>(base64.decode(puts.at(-1)?.sealed ?? ""));
  expect(decodeProfile(base64.decode(last.content))?.name).toBe("Second");
  await store.close();
});
