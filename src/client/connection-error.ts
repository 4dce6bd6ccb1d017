/** What a call rejects with when no answer came: nothing is known about whether the server did it. */
export class ConnectionError extends Error {
  constructor(message = "The server cannot be reached. Check the connection and try again.") {
    super(message);
    this.name = "ConnectionError";
  }
}
