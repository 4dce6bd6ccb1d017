/**
 * Makes a small square JPEG of a picture that the user chose: cut from its middle, at most 64 KiB, and without what
 * cameras write into files (place, time, device), because only the drawn pixels are kept.
 */

import { limits } from "../../protocol/limits.ts";

/** What a browser is asked to decode at all. */
const fileBytesMax = 40 * 1024 * 1024;

/** Its message is a sentence for the user. */
export class PictureError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "PictureError";
  }
}

export interface Square {
  left: number;
  top: number;
  side: number;
}

/** The largest square in the middle of a picture. */
export function middleSquare(width: number, height: number): Square {
  const side = Math.min(width, height);
  return { left: Math.floor((width - side) / 2), top: Math.floor((height - side) / 2), side };
}

/** Sizes and qualities to try, best first. Nothing is drawn larger than it is. */
export function attempts(side: number): { side: number; quality: number }[] {
  const sides = [640, 480, 320, 160].filter((wanted) => wanted <= side);
  const usable = sides.length === 0 ? [Math.max(1, side)] : sides;
  return usable.flatMap((wanted) => [0.85, 0.7, 0.5].map((quality) => ({ side: wanted, quality })));
}

export async function shrinkPicture(file: Blob): Promise<Uint8Array> {
  if (file.size > fileBytesMax) throw new PictureError("This file is too large. Choose a smaller picture.");
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new PictureError("This file is not a picture that the browser can read. Choose a JPEG or PNG.");
  });
  try {
    const square = middleSquare(bitmap.width, bitmap.height);
    for (const attempt of attempts(square.side)) {
      const jpeg = await draw(bitmap, square, attempt);
      if (jpeg.size <= limits.pictureBytesMax) return new Uint8Array(await jpeg.arrayBuffer());
    }
  } finally {
    bitmap.close();
  }
  throw new PictureError("This picture cannot be made small enough. Choose another one.");
}

function draw(bitmap: ImageBitmap, square: Square, to: { side: number; quality: number }): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = to.side;
  canvas.height = to.side;
  const context = canvas.getContext("2d");
  if (context === null) throw new PictureError("The browser has no room for this picture. Reload the page.");
  // JPEG knows no transparency and would show it black.
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, to.side, to.side);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, square.left, square.top, square.side, square.side, 0, 0, to.side, to.side);
  return new Promise((resolve, reject) => {
    const take = (blob: Blob | null): void =>
      blob === null
        ? reject(new PictureError("The browser could not draw this picture. Choose another one."))
        : resolve(blob);
    canvas.toBlob(take, "image/jpeg", to.quality);
  });
}
