/** One of the protocol, either way. */
// deno-lint-ignore no-explicit-any
export type Message = any;

/** The service's side of the realtime protocol, on a real socket. */
export class RealtimeDouble implements AsyncDisposable {
  readonly received: Message[] = [];
  readonly requests: { url: string; authorization: string | null }[] = [];
  socket!: WebSocket;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #wake = Promise.withResolvers<void>();

  constructor(
    options: {
      refuse?: number;
      session?: object;
      onUpdate?: (double: RealtimeDouble) => void;
    } = {},
  ) {
    const { refuse, session, onUpdate = (double) => double.send({ type: "session.updated" }) } =
      options;
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      const authorization = request.headers.get("authorization");
      this.requests.push({ url: request.url, authorization });
      if (refuse) return new Response("no", { status: refuse });
      const { socket, response } = Deno.upgradeWebSocket(request);
      this.socket = socket;
      socket.onopen = () => this.send({ type: "session.created", session });
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        this.received.push(message);
        if (message.type === "session.update") onUpdate(this);
        this.#wake.resolve();
        this.#wake = Promise.withResolvers();
      };
      return response;
    });
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/v1`;
  }

  send(message: Message): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** Waits until so many messages of a type have come, and gives the last one. */
  async message(type: string, count = 1): Promise<Message> {
    while (true) {
      const found = this.received.filter((one) => one.type === type);
      if (found.length >= count) return found.at(-1);
      await this.#wake.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
