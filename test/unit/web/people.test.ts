import { describe, expect, it } from "vitest";
import { limits } from "../../../src/protocol/limits.ts";
import { matches } from "../../../src/web/people/match.ts";
import { isSamePicture, pictureType } from "../../../src/web/picture/picture-bytes.ts";
import { attempts, middleSquare } from "../../../src/web/picture/shrink.ts";
import { listNames, memberCount, memberLine, readName } from "../../../src/web/text/names.ts";

describe("names", () => {
  it("are listed as one says them, and counted from one too many on", () => {
    expect(listNames([])).toBe("");
    expect(listNames(["Grace"])).toBe("Grace");
    expect(listNames(["Grace", "+14155550123"])).toBe("Grace and +1 415 555 0123");
    expect(listNames(["A", "B", "C", "D"])).toBe("A, B, C and D");
    expect(listNames(["A", "B", "C", "D", "E"])).toBe("A, B, C and 2 others");
  });

  it("of members stand in one line with oneself last", () => {
    const members = [
      { name: "Ada", isSelf: true },
      { name: "Grace", isSelf: false },
      { name: "+14155550123", isSelf: false },
    ];
    expect(memberLine(members)).toBe("Grace, +1 415 555 0123, You");
    expect(memberLine(members.slice(1))).toBe("Grace, +1 415 555 0123");
    expect([memberCount(1), memberCount(3)]).toEqual(["1 member", "3 members"]);
  });

  it("are tidied as they are read, and bounded", () => {
    expect(readName("  Ada   Lovelace\n", "?")).toEqual({ isValid: true, name: "Ada Lovelace" });
    expect(readName(" ", "Say it.")).toEqual({ isValid: false, sentence: "Say it." });
    expect(readName("x".repeat(limits.nameCharsMax), "?").isValid).toBe(true);
    expect(readName("x".repeat(limits.nameCharsMax + 1), "?").isValid).toBe(false);
  });
});

describe("searching contacts", () => {
  const andre = { userId: "u", name: "André Weil", phone: "+33123456789" };

  it.each(["", "andre", "WEIL", "wei an", "+33 1 23"])("%j finds André", (search) => {
    expect(matches(andre, search)).toBe(true);
  });

  it.each(["andrew", "andre w x", "3345"])("%j does not", (search) => {
    expect(matches(andre, search)).toBe(false);
  });

  it("finds somebody without a name by number only", () => {
    expect(matches({ ...andre, name: null }, "andre")).toBe(false);
    expect(matches({ ...andre, name: null }, "1234")).toBe(true);
  });
});

describe("pictures", () => {
  it("are cut from the middle, square", () => {
    expect(middleSquare(900, 600)).toEqual({ left: 150, top: 0, side: 600 });
    expect(middleSquare(601, 900)).toEqual({ left: 0, top: 149, side: 601 });
  });

  it("are tried from large and fine to small and coarse, and never drawn larger than they are", () => {
    const tried = attempts(500);
    expect(tried[0]).toEqual({ side: 480, quality: 0.85 });
    expect(tried.at(-1)).toEqual({ side: 160, quality: 0.5 });
    expect(attempts(40).every(({ side }) => side === 40)).toBe(true);
  });

  it("are known by their first bytes, whatever else is claimed of them", () => {
    expect(pictureType(new Uint8Array([0xff, 0xd8, 0xff, 0xe0]))).toBe("image/jpeg");
    expect(pictureType(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))).toBe("image/png");
    expect(pictureType(new TextEncoder().encode("<svg onload='x'/>"))).toBeNull();
    expect(pictureType(new Uint8Array())).toBeNull();
  });

  it("are the same when their bytes are", () => {
    expect(isSamePicture(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
    expect(isSamePicture(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false);
    expect(isSamePicture(new Uint8Array([1]), null)).toBe(false);
    expect(isSamePicture(null, null)).toBe(true);
  });
});
