/** The page when the app itself fails, while starting or later. Nothing is lost: the store is on the device. */
import type { JSX } from "preact";
import { Gull } from "./icons.tsx";

export function Breakdown({ sentence }: { sentence?: string }): JSX.Element {
  return (
    <main class="breakdown">
      <Gull />
      <h1>Kittiwake stumbled</h1>
      <p>{sentence ?? "Your chats are safe on this device. Reload the page to go on."}</p>
      <button type="button" class="button" onClick={() => location.reload()}>
        Reload
      </button>
    </main>
  );
}
