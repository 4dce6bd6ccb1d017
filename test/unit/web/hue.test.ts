/** The colours of names, computed from the style sheets as they are. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hueOf, hues } from "../../../src/web/text/hue.ts";

const style = (name: string): string =>
  readFileSync(new URL(`../../../src/web/style/${name}.css`, import.meta.url), "utf8");

type Rgb = [number, number, number];

function fromHsl(hue: number, saturation: number, lightness: number): Rgb {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number): number => {
    const turn = (offset + hue / 30) % 12;
    return lightness - chroma * Math.max(-1, Math.min(turn - 3, 9 - turn, 1));
  };
  return [channel(0), channel(8), channel(4)];
}

function fromHex(hex: string): Rgb {
  const channel = (at: number): number => Number.parseInt(hex.slice(at, at + 2), 16) / 255;
  return [channel(1), channel(3), channel(5)];
}

/** WCAG 2.2, relative luminance. */
function luminance(rgb: Rgb): number {
  const [red, green, blue] = rgb.map((value) =>
    value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
}

function contrast(one: Rgb, other: Rgb): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const sheet = style("hues");
const hueValues = [...sheet.matchAll(/\.hue-\d \{\s+--hue: (\d+);/g)].map((match) => Number(match[1]));
const nameColours = [...sheet.matchAll(/ color: hsl\(var\(--hue\) (\d+)% (\d+)%\)/g)];
const bubbles = [...style("colours").matchAll(/--other: (#[0-9a-f]{6});/g)].map((match) => match[1] ?? "");

describe("the colour of a sender's name", () => {
  it("has a class in the style sheet for every hue there is", () => {
    expect(hueValues).toHaveLength(hues);
    expect(new Set(hueValues).size).toBe(hues);
  });

  it("is readable on others' bubbles, light and dark, in every hue: 4.5 to 1", () => {
    expect(nameColours).toHaveLength(2);
    expect(bubbles).toHaveLength(2);
    nameColours.forEach(([, saturation, lightness], mode) => {
      for (const hue of hueValues) {
        const colour = fromHsl(hue, Number(saturation) / 100, Number(lightness) / 100);
        expect(contrast(colour, fromHex(bubbles[mode] ?? "")), `hue ${hue}`).toBeGreaterThanOrEqual(4.5);
      }
    });
  });

  it("stays the same for an id, and uses every hue", () => {
    const ids = Array.from({ length: 500 }, (_, index) => `user-${index}`);
    expect(ids.map(hueOf)).toEqual(ids.map(hueOf));
    expect(new Set(ids.map(hueOf)).size).toBe(hues);
  });
});
