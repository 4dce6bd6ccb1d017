/** What the bytes of a picture are. Others' pictures come from others: what is neither JPEG nor PNG is not shown. */

export function pictureType(bytes: Uint8Array): "image/jpeg" | "image/png" | null {
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return "image/jpeg";
  return startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) ? "image/png" : null;
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, index) => bytes[index] === byte);
}

export function isSamePicture(one: Uint8Array | null, other: Uint8Array | null): boolean {
  if (one === other) return true;
  if (one === null || other === null || one.length !== other.length) return false;
  // A plain loop: this runs for every picture on screen whenever a message comes.
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}
