/** The account's devices; others can be logged out from here, this one by the button at the end of the settings. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useActions, useAppState } from "../state/app-context.ts";
import type { Device } from "../state/app-state.ts";
import { fullTime } from "../text/times.ts";

export function Devices(): JSX.Element {
  const devices = useAppState((state) => state.settings.devices);
  const error = useAppState((state) => state.settings.devicesError);
  const { loadDevices } = useActions();
  useEffect(() => void loadDevices(), [loadDevices]);
  return (
    <section class="card" aria-labelledby="devices-title">
      <h2 id="devices-title">Devices</h2>
      {error !== null && (
        <p class="card-error" role="alert">
          {error}{" "}
          <button type="button" class="text-button" onClick={() => void loadDevices()}>
            Try again
          </button>
        </p>
      )}
      {devices === null && error === null && <p>Loading …</p>}
      <ul class="devices" data-testid="devices">
        {devices?.map((device) => (
          <DeviceItem key={device.deviceId} device={device} />
        ))}
      </ul>
    </section>
  );
}

function DeviceItem({ device }: { device: Device }): JSX.Element {
  const isBusy = useAppState((state) => state.settings.busyDeviceId === device.deviceId);
  const { revokeDevice } = useActions();
  const [isAsking, setIsAsking] = useState(false);
  return (
    <li data-testid="device" data-device={device.deviceId}>
      <div>
        <strong>{device.name}</strong>
        <p>{device.isThis ? "This device" : `Since ${fullTime(device.createdAtMs)}`}</p>
      </div>
      {!device.isThis && !isAsking && (
        <button
          type="button"
          class="text-button"
          aria-label={`Log out ${device.name}`}
          onClick={() => setIsAsking(true)}
          data-testid="revoke"
        >
          Log out
        </button>
      )}
      {isAsking && (
        <div class="form-row">
          <button
            type="button"
            class="button button-danger"
            disabled={isBusy}
            onClick={() => void revokeDevice(device.deviceId)}
            data-testid="confirm-revoke"
          >
            {isBusy ? "Logging out …" : "Log it out"}
          </button>
          <button type="button" class="text-button" onClick={() => setIsAsking(false)}>
            Cancel
          </button>
        </div>
      )}
    </li>
  );
}
