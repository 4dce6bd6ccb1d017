/** What the user does in the settings: devices and logging out. */
import type { SettingsState } from "./app-state.ts";
import type { ActionContext } from "./context.ts";
import { clearDrafts } from "./drafts.ts";
import { errorSentence } from "./error-sentence.ts";

export interface AccountActions {
  loadDevices(): Promise<void>;
  revokeDevice(deviceId: number): Promise<void>;
  logOut(): Promise<void>;
}

export function createAccountActions({ kittiwake, store, platform, report }: ActionContext): AccountActions {
  const patch = (change: Partial<SettingsState>): void =>
    store.update((state) => ({ ...state, settings: { ...state.settings, ...change } }));

  async function loadDevices(): Promise<void> {
    try {
      patch({ devices: await kittiwake.devices(), devicesError: null });
    } catch (error) {
      patch({ devicesError: errorSentence(error) });
    }
  }

  return {
    loadDevices,
    async revokeDevice(deviceId) {
      patch({ busyDeviceId: deviceId, devicesError: null });
      try {
        await kittiwake.revokeDevice(deviceId);
        await loadDevices();
      } catch (error) {
        patch({ devicesError: errorSentence(error) });
      } finally {
        patch({ busyDeviceId: null });
      }
    },
    async logOut() {
      patch({ isLoggingOut: true });
      try {
        await kittiwake.logOut();
        clearDrafts(platform.storage);
      } catch (error) {
        report(error);
      } finally {
        patch({ isLoggingOut: false });
      }
    },
  };
}
