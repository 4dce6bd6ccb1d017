/**
 * Runs a read again and again without ever running it twice at once: what asks while one is under way is answered
 * by the one that follows it. A burst of a hundred events so costs two reads.
 */
export interface Refresher {
  /** Resolves when a read that began after this call has ended. Never rejects: failures go to `onError`. */
  refresh(): Promise<void>;
}

export function createRefresher(read: () => Promise<void>, onError: (error: unknown) => void): Refresher {
  let running: Promise<void> | null = null;
  let following: Promise<void> | null = null;

  const run = (): Promise<void> => {
    following = null;
    running = read()
      .catch(onError)
      .finally(() => {
        running = null;
      });
    return running;
  };
  return {
    refresh() {
      if (running === null) return run();
      following ??= running.then(run);
      return following;
    },
  };
}
