/** Pages that reach a LocalEdge only through a TURN server that others wrote: coturn, on the loopback. */
import { delay } from "@std/async/delay";
import { assertEquals, assertLess } from "@std/assert";
import { Agent, silentLogger } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { Ears, tone } from "../e2e/_agents.ts";
import { browserTest, Guest, until } from "../e2e/_fixture.ts";
import { toneDb } from "../e2e/_signal.ts";
import { freePort } from "../fixtures/free_port.ts";

const HEARD_DB = -25;
/** Milliseconds within which all hear each other again: 4000 on a machine that does nothing else. */
const BACK_MS = 12_000;
const USER = { username: "ringline", credential: "relayed" };

/** Where coturn is; without it the test is skipped. */
const COTURN = ["/usr/bin/turnserver", "/usr/local/bin/turnserver"].find((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

/** coturn, until it is disposed. */
class Turn implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(readonly port: number, folder: string) {
    this.#folder = folder;
    this.#child = new Deno.Command(COTURN!, {
      args: [
        ...["-n", "--no-cli", "--no-tls", "--no-dtls", "--lt-cred-mech", "--allow-loopback-peers"],
        ...["-L", "127.0.0.1", "-E", "127.0.0.1", "-p", String(port), "-r", "ringline"],
        ...["-u", `${USER.username}:${USER.credential}`, "--log-file", `${folder}/log`],
        ...["--pidfile", `${folder}/pid`, "--userdb", `${folder}/db`, "--simple-log"],
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  static async start(): Promise<Turn> {
    const port = freePort();
    const turn = new Turn(port, await Deno.makeTempDir());
    await until("coturn listens", async () => {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return true;
      } catch {
        return false;
      }
    });
    return turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** The browser uses the relay alone. */
const RELAY_ONLY = `
  const Real = RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Real {
    constructor(options) {
      super({ ...options, iceTransportPolicy: "relay" });
    }
  };`;

/** How the page's connection reaches the server: the kind of the candidate that it uses. */
async function route(guest: Guest): Promise<string> {
  return await guest.page.evaluate(`(async () => {
    const stats = await guest.client.connection.getStats();
    const all = [...stats.values()];
    const pair = all.find((one) => one.type === "candidate-pair" && one.nominated &&
      one.state === "succeeded");
    return stats.get(pair?.localCandidateId)?.candidateType ?? "none";
  })()`) as string;
}

browserTest(
  "a media process that dies is replaced for pages that come through TURN",
  async (browser) => {
    await using turn = await Turn.start();
    const iceServers = [{ urls: `turn:127.0.0.1:${turn.port}?transport=udp`, ...USER }];
    await using edge = new LocalEdge({ logger: silentLogger, iceServers });
    const ears = new Ears();
    const agent = new Agent({
      edge,
      agentUser: { id: "agent", name: "Agent" },
      processors: [ears],
    });
    const call = await agent.createCall("default", "relayed");
    await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
    const prepare = async (page: Guest["page"]) => void await page.evaluate(RELAY_ONLY);
    const ada = await Guest.join(browser, await edge.callLink(call), { name: "Ada", prepare });
    await ada.startTone(500);
    let isSaying = true;
    const saying = (async () => {
      while (isSaying) await agent.audio.write(tone(1000, 100));
    })().catch(() => {});
    const bothHear = async () => {
      await until("Ada is heard", async () => {
        return toneDb(await ears.next("Ada", 60), 500) > HEARD_DB;
      });
      await until("the agent is heard", async () => toneDb(await ada.hear(60), 1000) > HEARD_DB);
    };
    await bothHear();
    assertEquals(await route(ada), "relay");
    const pid = edge.mediaProcessId!;
    // A message that came right before it would make its sender a suspect.
    await delay(1500);
    const begun = performance.now();
    Deno.kill(pid, "SIGKILL");
    await until("the next process", () => edge.mediaProcessId !== pid && edge.mediaProcessId);
    await until("the agent is back", () => !agent.connection!.isReconnecting);
    await until(
      "the page is back",
      async () =>
        (await ada.events("state")).slice(-2).map(({ state }) => state).join() ===
          "reconnecting,connected",
    );
    await ada.page.evaluate("void guest.listen()");
    await bothHear();
    assertLess(performance.now() - begun, BACK_MS);
    assertEquals(await route(ada), "relay");
    assertEquals([...agent.connection!.participants.keys()], [ada.id]);
    isSaying = false;
    await agent.audio.flush();
    await saying;
  },
  { ignore: COTURN === undefined },
);
