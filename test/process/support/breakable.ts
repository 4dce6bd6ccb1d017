/** A device that can die at a chosen moment: from then on its store takes nothing and its network says nothing. */
import { defaultEnvironment } from "../../../src/client/index.ts";
import type { Change, Store } from "../../../src/client/store/store.ts";
import type { Twists } from "./people.ts";

export class Breakable {
  isBroken = false;
  #breaksBefore: (changes: readonly Change[]) => boolean = () => false;
  #breaksAfter: string | null = null;
  #losesAnswers = false;

  twists(): Twists {
    const environment = defaultEnvironment();
    return {
      wrap: (store) => this.#store(store),
      environment: {
        ...environment,
        fetch: async (url, init) => {
          if (this.isBroken) throw new TypeError("dead");
          const answer = await environment.fetch(url, init);
          if (answer.ok && this.#breaksAfter !== null && url.endsWith(this.#breaksAfter))
            this.isBroken = true;
          if (this.isBroken) throw new TypeError("dead");
          return answer;
        },
        openWebSocket: (url, protocols, handlers) =>
          environment.openWebSocket(url, protocols, {
            ...handlers,
            received: (text) => {
              if (this.#losesAnswers && text.includes("accepted")) this.isBroken = true;
              if (!this.isBroken) handlers.received(text);
            },
          }),
      },
    };
  }

  breakBefore(isMoment: (changes: readonly Change[]) => boolean): void {
    this.#breaksBefore = isMoment;
  }
  breakAfterSuccess(pathEnd: string): void {
    this.#breaksAfter = pathEnd;
  }
  /** The next answer to a message does not arrive. */
  loseAnswers(): void {
    this.#losesAnswers = true;
  }

  #store(store: Store): Store {
    const apply = store.apply.bind(store);
    store.apply = async (changes) => {
      if (this.#breaksBefore(changes)) this.isBroken = true;
      if (this.isBroken) throw new Error("dead");
      await apply(changes);
    };
    return store;
  }
}
