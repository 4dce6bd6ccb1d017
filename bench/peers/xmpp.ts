/**
 * An XMPP client (RFC 6120, 6121) that costs as little as possible, because it shares the machine with the server it
 * measures: plain TCP, SASL PLAIN, and past its login it looks for the ends of message stanzas and parses nothing.
 */
import { connect, type Socket } from "node:net";

export interface XmppOptions {
  port: number;
  domain: string;
  user: string;
  password: string;
}
export interface XmppEvents {
  /** One or more whole stanzas. */
  stanzas(text: string): void;
  failed(error: Error): void;
}

/** All sockets read into one buffer: what was read is taken before the next read. */
const readBuffer = Buffer.allocUnsafe(1 << 20);
const stanzaEnd = "</message>";
const troubleMark = /<failure|<stream:error|type=['"]error['"]/;

export class XmppStream {
  readonly #socket: Socket;
  readonly #events: XmppEvents;
  readonly #login = Promise.withResolvers<never>();
  #isReady = false;
  #isClosing = false;
  /** What came and was not taken yet: the start of a stanza, or the dialogue of the login. */
  #rest = "";
  #awaited: { mark: string; resolve: () => void } | null = null;

  private constructor(options: XmppOptions, events: XmppEvents) {
    this.#events = events;
    this.#login.promise.catch(() => undefined);
    const onread = { buffer: readBuffer, callback: (length: number) => this.#take(length) };
    this.#socket = connect({ host: "127.0.0.1", port: options.port, noDelay: true, onread });
    this.#socket.on("error", (error) => this.#fail(error.message));
    this.#socket.on("close", () => this.#fail("the connection was cut"));
  }

  /** Resolves once the server routes messages to this stream. */
  static async open(options: XmppOptions, events: XmppEvents): Promise<XmppStream> {
    const stream = new XmppStream(options, events);
    await stream.#logIn(options);
    return stream;
  }

  /** ASCII. */
  send(stanzas: string): void {
    this.#socket.write(stanzas, "latin1");
  }

  close(): void {
    this.#isClosing = true;
    this.#socket.destroy();
  }

  async #logIn({ domain, user, password }: XmppOptions): Promise<void> {
    const header = `<?xml version='1.0'?><stream:stream to='${domain}' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>`;
    const credentials = Buffer.from(`\0${user}\0${password}`).toString("base64");
    await this.#ask(header, "</stream:features>");
    await this.#ask(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${credentials}</auth>`,
      "<success",
    );
    await this.#ask(header, "</stream:features>");
    await this.#ask(
      "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
      "</iq>",
    );
    // Stanzas of one stream are handled in order: when the ping is answered, the presence counts.
    await this.#ask(
      `<presence/><iq type='get' id='ready' to='${domain}'><ping xmlns='urn:xmpp:ping'/></iq>`,
      "ready",
    );
    this.#isReady = true;
  }

  async #ask(text: string, mark: string): Promise<void> {
    const answered = Promise.withResolvers<void>();
    this.#awaited = { mark, resolve: answered.resolve };
    this.#rest = "";
    this.send(text);
    await Promise.race([answered.promise, this.#login.promise]);
  }

  /** Returns true: read on. */
  #take(length: number): boolean {
    const text = readBuffer.toString("latin1", 0, length);
    this.#rest += text;
    if (troubleMark.test(text)) this.#fail(this.#rest.slice(0, 500));
    else if (this.#isReady) this.#takeStanzas();
    else if (this.#awaited !== null && this.#rest.includes(this.#awaited.mark)) this.#awaited.resolve();
    return true;
  }

  #takeStanzas(): void {
    const end = this.#rest.lastIndexOf(stanzaEnd);
    if (end < 0) return;
    const whole = this.#rest.slice(0, end + stanzaEnd.length);
    this.#rest = this.#rest.slice(whole.length);
    this.#events.stanzas(whole);
  }

  #fail(reason: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const error = new Error(`XMPP stream: ${reason}`);
    this.#login.reject(error);
    this.#events.failed(error);
  }
}
