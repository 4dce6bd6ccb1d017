/** docs/security.md names tests by file and name: each is there, word for word. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const read = (path: string) => readFileSync(`${root}/${path}`, "utf8");

it("docs/security.md names no test that is not there", () => {
  const cited = [...read("docs/security.md").matchAll(/\]\(\.\.\/(test\/[^)]+)\): ((?:"[^"]+"(?:, )?)+)/g)];
  const names = cited.flatMap(([, path = "", quoted = ""]) =>
    [...quoted.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => ({ path, name })),
  );
  expect(names.length).toBeGreaterThan(30);
  expect(names.filter(({ path, name }) => !read(path).includes(`"${name}"`))).toEqual([]);
});
