/** LiveKit's own server on the loopback, and its API. */
import { createSocket } from "node:dgram";
import { delay } from "@std/async/delay";
import { ParticipantInfo_State } from "@livekit/protocol";
import { RoomServiceClient } from "livekit-server-sdk";
import { findLiveKitServer } from "../../../scripts/livekit_server.ts";
import { until } from "../../fixtures/until.ts";
import { freePort } from "../../fixtures/free_port.ts";

export const API_KEY = "key";
export const API_SECRET = "secret00000000000000000000000000000000";

/** The server's program; where there is none, its tests are counted as skipped. */
export const program: string | undefined = await findLiveKitServer();
if (program === undefined) {
  console.error("LiveKit's server: its tests are skipped, since Go is missing: https://go.dev");
}

/** Returns a port for datagrams that nothing uses. */
async function freeUdpPort(): Promise<number> {
  // One that is free for connections may be in use for datagrams.
  const socket = createSocket("udp4");
  const bound = Promise.withResolvers<void>();
  socket.once("error", bound.reject);
  socket.bind(0, "127.0.0.1", bound.resolve);
  await bound.promise;
  const { port } = socket.address();
  const closed = Promise.withResolvers<void>();
  socket.close(closed.resolve);
  await closed.promise;
  return port;
}

/** A server, until it is disposed. */
export class LiveKitServer implements AsyncDisposable {
  readonly rooms: RoomServiceClient;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(readonly port: number, folder: string) {
    this.#folder = folder;
    this.rooms = new RoomServiceClient(`http://127.0.0.1:${port}`, API_KEY, API_SECRET);
    this.#child = new Deno.Command(program!, {
      args: ["--config", `${folder}/config.yaml`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /**
   * @param options `redis` is the address of the Redis by which nodes know each other; `port`: default one
   * that is free
   */
  static async start(
    { redis, port = freePort() }: { redis?: string; port?: number } = {},
  ): Promise<LiveKitServer> {
    const folder = await Deno.makeTempDir();
    const config = {
      port,
      bind_addresses: ["127.0.0.1"],
      keys: { [API_KEY]: API_SECRET },
      rtc: {
        tcp_port: 0,
        udp_port: await freeUdpPort(),
        node_ip: "127.0.0.1",
        use_external_ip: false,
        enable_loopback_candidate: true,
        interfaces: { includes: ["lo"] },
        // Without one it names public ones to its clients.
        stun_servers: [`127.0.0.1:${freePort()}`],
      },
      room: { departure_timeout: 60 },
      ...(redis === undefined ? {} : { redis: { address: redis } }),
    };
    await Deno.writeTextFile(`${folder}/config.yaml`, JSON.stringify(config));
    const server = new LiveKitServer(port, folder);
    await until("the server responds", async () => {
      try {
        return (await (await fetch(`http://127.0.0.1:${port}/`)).text()) === "OK";
      } catch {
        return false;
      }
    });
    return server;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /**
   * Waits until a participant's media have arrived, and with them its join's last messages: a server
   * that closes its socket while some are under way resets it, and the reason, sent just before, is
   * lost with it.
   */
  async hasMediaOf(identity: string, room: string): Promise<void> {
    await until(`the server has the media of ${identity}`, async () => {
      const participants = await this.rooms.listParticipants(room).catch(() => []);
      const { ACTIVE } = ParticipantInfo_State;
      return participants.some((one) => one.identity === identity && one.state === ACTIVE);
    });
  }

  /** Has it stop, and not wait until its rooms have ended by themselves. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await delay(100);
    this.#child.kill("SIGTERM");
  }

  /** Has it stand still, or go on. */
  pause(isPaused: boolean): void {
    this.#child.kill(isPaused ? "SIGSTOP" : "SIGCONT");
  }

  /** Kills it, as a machine that fails. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
