import { waitFor } from "../../src/events/waiting.ts";

/** One of the protocol, either way. */
// deno-lint-ignore no-explicit-any
export type Message = any;

/** The service's side of the realtime protocol, on a real socket. */
export class RealtimeDouble implements AsyncDisposable {
  readonly received: Message[] = [];
  readonly requests: {
    url: string;
    authorization: string | null;
    headers: Record<string, string>;
  }[] = [];
  socket!: WebSocket;
  openSockets = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #isSecure: boolean;
  #wake = Promise.withResolvers<void>();

  constructor(
    options: {
      refuse?: number;
      session?: object;
      /** Serves over TLS. */
      tls?: { cert: string; key: string };
      /** Called with each message of the client. */
      onMessage?: (message: Message) => void;
      onOpen?: () => void;
      onUpdate?: (double: RealtimeDouble) => void;
    } = {},
  ) {
    const {
      refuse,
      session,
      tls,
      onMessage,
      onUpdate = (double) => double.send({ type: "session.updated" }),
    } = options;
    const { onOpen = () => this.send({ type: "session.created", session }) } = options;
    this.#isSecure = tls !== undefined;
    const address = { hostname: "127.0.0.1", port: 0, onListen() {}, ...tls };
    this.#server = Deno.serve(address, (request) => {
      const authorization = request.headers.get("authorization");
      const headers = Object.fromEntries(request.headers);
      this.requests.push({ url: request.url, authorization, headers });
      if (refuse) return new Response("no", { status: refuse });
      if (request.headers.get("upgrade") !== "websocket") {
        return new Response("this service takes WebSockets only", { status: 426 });
      }
      const { socket, response } = Deno.upgradeWebSocket(request);
      this.socket = socket;
      this.openSockets++;
      socket.onopen = onOpen;
      socket.onclose = () => this.openSockets--;
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        this.received.push(message);
        if (onMessage) onMessage(message);
        else if (message.type === "session.update") onUpdate(this);
        this.#wake.resolve();
        this.#wake = Promise.withResolvers();
      };
      return response;
    });
  }

  get baseUrl(): string {
    return `http${this.#isSecure ? "s" : ""}://127.0.0.1:${this.#server.addr.port}/v1`;
  }

  send(message: Message): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** Waits until so many messages of a type have come, and gives the last one. */
  async message(type: string, count = 1): Promise<Message> {
    while (true) {
      const found = this.received.filter((one) => one.type === type);
      if (found.length >= count) return found.at(-1);
      await waitFor(this.#wake.promise, `message ${count} of ${type}`, { timeoutMs: 20_000 });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
