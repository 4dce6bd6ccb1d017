/** A connection through the proxy of the chaos run: what each fault does to it, and that nothing else happens. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Link } from "../../../chaos/proxy/link.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer(onConnection);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A client whose connection goes through a link to a server that sends everything back. */
async function openLink(isDropped: (direction: "up" | "down") => boolean = () => false) {
  let request = "";
  const server: { socket: Socket | null } = { socket: null };
  const serverPort = await listen((socket) => {
    server.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      if (request !== "") return void socket.write(bytes);
      request = bytes.toString();
      socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    });
  });
  const links: Link[] = [];
  const dropped: string[] = [];
  const port = await listen((client) => {
    const note = (direction: string, text: string) => dropped.push(`${direction} ${text}`);
    links.push(new Link({ client, serverPort, isDropped, dropped: note, ended: () => {} }));
  });
  const client = connect({ host: "127.0.0.1", port });
  client.on("error", () => {});
  let received = "";
  client.on("data", (bytes) => {
    received += bytes.toString("latin1");
  });
  cleanups.push(
    () => links[0]?.cut(),
    () => client.destroy(),
  );
  client.write(
    "GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\nX: y\r\n\r\n",
  );
  await vi.waitFor(() => expect(received).toContain("101"));
  const [link] = links;
  if (link === undefined) throw new Error("no link was made");
  return {
    client,
    link,
    server,
    dropped,
    request: () => request,
    /** The texts that came back. */
    texts: () => [...received.matchAll(/\x81.(text \d)/g)].map((match) => match[1]),
  };
}

function send(client: Socket, ...texts: string[]): void {
  for (const text of texts)
    client.write(Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]));
}

describe("a link of the chaos proxy", () => {
  it("passes everything on, and asks for frames that it can read", async () => {
    const { client, texts, request } = await openLink();
    send(client, "text 1", "text 2", "text 3");
    await vi.waitFor(() => expect(texts()).toEqual(["text 1", "text 2", "text 3"]));
    expect(request()).toBe("GET / HTTP/1.1\r\nUpgrade: websocket\r\nX: y\r\n\r\n");
  });

  it("takes single frames out, either way, and tells what was in them", async () => {
    let [ups, downs] = [0, 0];
    const { client, texts, dropped } = await openLink((direction) =>
      direction === "up" ? ++ups === 2 : ++downs === 2,
    );
    send(client, "text 1", "text 2", "text 3", "text 4");
    // The second never went up; of what went up, the second never came down.
    await vi.waitFor(() => expect(texts()).toEqual(["text 1", "text 4"]));
    expect(dropped).toEqual(["up text 2", "down text 3"]);
  });

  it("holds everything back while it stalls, and loses nothing by it", async () => {
    const { client, link, texts } = await openLink();
    link.stall(150);
    send(client, "text 1", "text 2");
    const startedAt = performance.now();
    await vi.waitFor(() => expect(texts()).toEqual(["text 1", "text 2"]));
    expect(performance.now() - startedAt).toBeGreaterThan(100);
  });

  it("as a black hole swallows what is said, and the news that the client is gone", async () => {
    const { client, link, server, texts } = await openLink();
    link.blackHole();
    const [heard, closed] = [vi.fn(), vi.fn()];
    server.socket?.on("data", heard).on("close", closed);
    send(client, "text 1");
    server.socket?.write(Buffer.concat([Buffer.from([0x81, 6]), Buffer.from("text 2")]));
    // Long enough to arrive; that nothing comes cannot be waited for.
    await setTimeout(100);
    client.end();
    await setTimeout(100);
    expect(texts()).toEqual([]);
    expect(heard).not.toHaveBeenCalled();
    expect(closed).not.toHaveBeenCalled();
    link.cut();
    await vi.waitFor(() => expect(closed).toHaveBeenCalled());
  });

  it("when cut is closed for both", async () => {
    const { client, link, server } = await openLink();
    link.cut();
    await vi.waitFor(() => expect([client.closed, server.socket?.closed]).toEqual([true, true]));
  });
});
