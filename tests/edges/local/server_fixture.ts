/** A LocalChild with real sockets and no WebRTC, and the pages that talk to it. */
import { typescriptKernel } from "../../../src/audio/typescript_kernel.ts";
import { LocalChild } from "../../../src/edges/local/child/local_child.ts";
import { checkSettings, type LocalServerOptions } from "../../../src/edges/local/settings.ts";
import { settingsToJson } from "../../../src/edges/local/wire/settings.ts";
import type { JsonValue } from "../../../src/edge/types.ts";
import { type Clock, systemClock } from "../../../src/events/clock.ts";
import type { AgentConnection } from "../../../src/media/child/contract.ts";
import type { PeerOptions } from "../../../src/media/webrtc/peer.ts";
import { FakeAudio, FakeConnection, FakePeer } from "./fakes.ts";

export const SECRET = "A".repeat(22);
export const CALL = { callType: "default", callId: "kitchen", secret: SECRET };

/** A LocalChild with real sockets and no WebRTC, with one call. */
export class ServerFixture implements AsyncDisposable {
  readonly messages: JsonValue[] = [];
  readonly lines: string[] = [];
  readonly peers: FakePeer[] = [];
  child!: LocalChild;
  readonly #sockets: WebSocket[] = [];

  static async open(
    options: LocalServerOptions = {},
    clock: Clock = systemClock,
  ): Promise<ServerFixture> {
    const fixture = new ServerFixture();
    fixture.child = await LocalChild.open({
      config: settingsToJson(checkSettings(options)),
      clock,
      kernel: typescriptKernel(),
      replaces: false,
      handling: () => Promise.resolve(),
      send: (message) => fixture.messages.push(message),
      log: (_level, line) => fixture.lines.push(line),
    }, () => ({
      audio: new FakeAudio(),
      createPeer: (options) => fixture.#createPeer(options),
      createUpright: (track) => ({ track, [Symbol.dispose]() {} }),
    }));
    return fixture;
  }

  get origin(): string {
    return this.child.origin;
  }

  #createPeer(options: PeerOptions): FakePeer {
    const peer = new FakePeer(options);
    this.peers.push(peer);
    return peer;
  }

  /** An agent joins the call. */
  async join(agent = new FakeConnection(1)): Promise<FakeConnection> {
    await this.child.join(agent as unknown as AgentConnection, CALL);
    return agent;
  }

  /** A page's socket, opened as a browser would from this origin. */
  async open(origin = this.origin, headers: Record<string, string> = {}): Promise<Page> {
    const socket = new WebSocket(`${this.origin.replace("http", "ws")}/signal`, {
      headers: { origin, ...headers },
    });
    this.#sockets.push(socket);
    const page = new Page(socket);
    await page.opened;
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.goodbye();
    for (const socket of this.#sockets) socket.close();
    await this.child.close();
  }
}

/** A page's end: what came, and how it closed. */
export class Page {
  readonly opened: Promise<void>;
  readonly closed: Promise<{ code: number; reason: string }>;
  // deno-lint-ignore no-explicit-any
  readonly received: any[] = [];
  #waiting: (() => void)[] = [];

  constructor(readonly socket: WebSocket) {
    const opened = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<{ code: number; reason: string }>();
    [this.opened, this.closed] = [opened.promise, closed.promise];
    opened.promise.catch(() => {});
    socket.onopen = () => opened.resolve();
    socket.onerror = () => opened.reject(new Error("the socket failed"));
    socket.onmessage = ({ data }) => {
      this.received.push(JSON.parse(data));
      for (const wake of this.#waiting.splice(0)) wake();
    };
    socket.onclose = ({ code, reason }) => closed.resolve({ code, reason });
  }
  say(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }
  /** The first message of this type, now or soon. */
  // deno-lint-ignore no-explicit-any
  async next(type: string): Promise<any> {
    for (;;) {
      const found = this.received.find((message) => message.type === type);
      if (found) return found;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      const came = this.received.map((message) => message.type).join(", ") || "nothing";
      const limit = setTimeout(() => reject(new Error(`no "${type}" came, but ${came}`)), 5000);
      await promise.finally(() => clearTimeout(limit));
    }
  }
}
