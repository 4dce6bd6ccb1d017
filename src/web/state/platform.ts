/** What the state layer needs of the browser, behind one interface so that tests bring their own clock and storage. */
import type { CountryCode } from "libphonenumber-js/min";
import { shrinkPicture } from "../picture/shrink.ts";
import { deviceName } from "../text/device-name.ts";
import type { HistoryPort } from "./router.ts";

export interface Platform {
  history: HistoryPort;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;
  deviceName: string;
  /** The country a number without "+" is taken to be from, if the browser's language names one. */
  country: CountryCode | undefined;
  nowMs(): number;
  /** Returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
  /** The page is visible and has the focus: what it shows is in front of the user. */
  isForeground(): boolean;
  isNetworkUp(): boolean;
  /** Calls back when `isForeground` or `isNetworkUp` may have changed. */
  onChange(listener: () => void): () => void;
  reload(): void;
  /** A small square JPEG of a picture file; rejects with a `PictureError`. */
  shrinkPicture(file: Blob): Promise<Uint8Array>;
}

export function browserPlatform(): Platform {
  return {
    history: window,
    storage: localStorage,
    deviceName: deviceName(navigator.userAgent),
    country: languageCountry(navigator.language),
    nowMs: () => Date.now(),
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    isForeground: () => document.visibilityState === "visible" && document.hasFocus(),
    isNetworkUp: () => navigator.onLine,
    onChange: onBrowserChange,
    reload: () => location.reload(),
    shrinkPicture,
  };
}

function onBrowserChange(listener: () => void): () => void {
  const targets = [
    [window, "focus"],
    [window, "blur"],
    [window, "online"],
    [window, "offline"],
    [document, "visibilitychange"],
  ] as const;
  for (const [target, type] of targets) target.addEventListener(type, listener);
  return () => {
    for (const [target, type] of targets) target.removeEventListener(type, listener);
  };
}

function languageCountry(language: string): CountryCode | undefined {
  // libphonenumber ignores a country that it does not know.
  return new Intl.Locale(language).region as CountryCode | undefined;
}
