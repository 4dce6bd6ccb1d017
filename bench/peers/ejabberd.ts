/** ejabberd as a contender: two users of one host, of whom one sends to the other. */
import { randomUUID } from "node:crypto";
import { type Contender, envelope, type Pair, type PairEvents } from "../contender.ts";
import { NumberedIds, numbered } from "../numbered-ids.ts";
import { UsageError } from "../options.ts";
import { EjabberdNode, findEjabberd } from "./ejabberd-node.ts";
import { XmppStream } from "./xmpp.ts";

const hosts = { archive: "archive.localhost", plain: "plain.localhost" };
const password = "benchmark";

/** `archive`: both users' archives keep every message, as our log does. Without it ejabberd only passes messages on. */
export function ejabberd(kind: "archive" | "plain"): Contender {
  const command = findEjabberd();
  if (command === null)
    throw new UsageError(
      "ejabberd is not installed: there is no ejabberdctl on PATH. On Debian or Ubuntu: apt-get install ejabberd (as root).",
    );
  return {
    name: kind === "archive" ? "ejabberd, archive on" : "ejabberd, no archive",
    durability:
      kind === "archive"
        ? "a message is passed on once it is handed to Mnesia, twice: for each user's archive. Nothing waits for the disk; the operating system writes it out later."
        : "nothing is stored.",
    start: async () => {
      const node = await EjabberdNode.start(command);
      let pairs = 0;
      return {
        openPair: (events) => openPair(node, hosts[kind], pairs++, events),
        settle: async () => undefined,
        processIds: () => node.processIds(),
        stop: () => node.stop(),
      };
    },
  };
}

async function openPair(
  node: EjabberdNode,
  domain: string,
  number: number,
  events: PairEvents,
): Promise<Pair> {
  const prefix = `${randomUUID()}-`;
  const ids = new NumberedIds(prefix, (count) => events.delivered(count), events.failed);
  const open = async (user: string, stanzas: (text: string) => void) => {
    await node.register(domain, user, password);
    const options = { port: node.xmppPort, domain, user, password };
    return await XmppStream.open(options, { stanzas, failed: events.failed });
  };
  const [from, to] = [`sender${number}`, `receiver${number}`];
  const receiver = await open(to, (text) => ids.take(text));
  const sender = await open(from, () => undefined);
  const start = `<message type='chat' to='${to}@${domain}' id='`;
  const end = `'><body>${envelope}</body></message>`;
  let sent = 0;
  return {
    send(count) {
      sender.send(Array.from({ length: count }, () => start + numbered(prefix, sent++) + end).join(""));
    },
    close() {
      sender.close();
      receiver.close();
    },
  };
}
