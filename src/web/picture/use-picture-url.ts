/**
 * An address for a picture's bytes, for as long as it is on screen. The store hands out new arrays with every read,
 * so equal bytes keep their address: the picture does not flicker, and none is left behind.
 */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { isSamePicture, pictureType } from "./picture-bytes.ts";

export function usePictureUrl(picture: Uint8Array | null): string | null {
  const kept = useRef(picture);
  if (!isSamePicture(kept.current, picture)) kept.current = picture;
  const bytes = kept.current;
  const [url, setUrl] = useState<string | null>(null);
  useLayoutEffect(() => {
    const type = bytes === null ? null : pictureType(bytes);
    if (bytes === null || type === null) {
      setUrl(null);
      return;
    }
    const made = URL.createObjectURL(new Blob([Uint8Array.from(bytes)], { type }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [bytes]);
  return url;
}
