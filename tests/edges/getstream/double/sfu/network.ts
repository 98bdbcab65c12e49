/** The way that media takes between the SFU and the clients that come over the network. @module */
import { type RelayFigures, UdpRelay } from "../../../../fixtures/udp_relay.ts";

const CANDIDATE = /^(?:a=)?candidate:/;
const OURS = /^(?:a=)?candidate:\S+ \d+ udp \d+ 127\.0\.0\.1 (\d+) typ/i;
/** Nothing is left to chance here. */
const SEED = 1;

/**
 * Direct, until a test orders a detour: then all media goes by a relay that can be cut. The agent
 * learns no port of the SFU's and the SFU no address of the agent's, so that there is no other way.
 */
export class Network implements AsyncDisposable {
  readonly #relays: UdpRelay[] = [];

  /** What passed and what did not, for each path that there was. */
  get paths(): RelayFigures[] {
    return this.#relays.map(({ figures }) => ({ ...figures }));
  }

  /** Kills the path that there is for good; who looks for another one from now on finds one. */
  detour(): void {
    const dead = this.#relays.at(-1);
    if (dead) dead.weather = { cut: true };
    this.#relays.push(new UdpRelay(SEED));
  }

  /** A description or a candidate of the SFU's, as the agent is to have it. */
  async toAgent(text: string): Promise<string> {
    const relay = this.#relays.at(-1);
    if (!relay) return text;
    return await eachCandidate(text, async (line) => {
      const [, port] = OURS.exec(line) ?? [];
      if (port === undefined) return undefined;
      return line.replace(` ${port} typ`, ` ${await relay.route(Number(port))} typ`);
    });
  }

  /** A description or a candidate of the agent's, as the SFU is to have it. */
  async toSfu(text: string): Promise<string> {
    if (this.#relays.length === 0) return text;
    return await eachCandidate(text, () => Promise.resolve(undefined));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#relays.map((relay) => relay[Symbol.asyncDispose]()));
  }
}

/** Changes the candidates of a text and leaves those out that become undefined. */
async function eachCandidate(
  text: string,
  change: (line: string) => Promise<string | undefined>,
): Promise<string> {
  const lines = await Promise.all(
    text.split("\r\n").map((line) => CANDIDATE.test(line) ? change(line) : line),
  );
  return lines.filter((line) => line !== undefined).join("\r\n");
}
