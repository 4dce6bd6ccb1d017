/** What a caller gets when nothing is known about its call: the request or its answer was lost, or the callee died. */
export class LostConnection extends Error {
  constructor() {
    super("Network connection lost.");
    this.name = "Error";
  }
}
