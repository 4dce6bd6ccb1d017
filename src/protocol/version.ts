/**
 * The protocol version, negotiated in the WebSocket subprotocol list and in the path prefix `/v1` of HTTP.
 * Tokens travel as a second entry of that list (browsers cannot set headers on a WebSocket), never in a URL.
 */
export const protocolVersion = 1;
export const subprotocol = `kittiwake.v${protocolVersion}`;
export const tokenProtocolPrefix = "token.";

/** The subprotocol list a client offers when it opens a socket. */
export function offeredProtocols(accessToken: string): string[] {
  return [subprotocol, tokenProtocolPrefix + accessToken];
}

/** Reads a `Sec-WebSocket-Protocol` header: whether our version is offered, and the token if there is one. */
export function parseOfferedProtocols(header: string | null): {
  versionOffered: boolean;
  token: string | null;
} {
  const offered = (header ?? "").split(",").map((item) => item.trim());
  const token = offered.find((item) => item.startsWith(tokenProtocolPrefix));
  return {
    versionOffered: offered.includes(subprotocol),
    token: token === undefined ? null : token.slice(tokenProtocolPrefix.length),
  };
}
