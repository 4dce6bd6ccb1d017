/** The time, looked at again every so often while the view is on screen. */
import { useEffect, useState } from "preact/hooks";
import { usePlatform } from "../state/app-context.ts";

export function useNow(everyMs: number): number {
  const platform = usePlatform();
  const [nowMs, setNowMs] = useState(platform.nowMs());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(platform.nowMs()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, platform]);
  return nowMs;
}
