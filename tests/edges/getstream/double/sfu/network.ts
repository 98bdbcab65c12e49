/** The path of media between the SFU and its clients. @module */
import { type RelayFigures, UdpRelay } from "../../../../fixtures/udp_relay.ts";

const CANDIDATE = /^(?:a=)?candidate:/;
const OURS = /^(?:a=)?candidate:\S+ \d+ udp \d+ 127\.0\.0\.1 (\d+) typ/i;
/** The seed of all relays. */
const SEED = 1;

/**
 * A direct path, until a test orders a detour: then all media goes through a relay that can be cut.
 * The agent learns no port of the SFU and the SFU no address of the agent, so that there is no other
 * path.
 */
export class Network implements AsyncDisposable {
  readonly #relays: UdpRelay[] = [];

  /** The figures of each path. */
  get paths(): RelayFigures[] {
    return this.#relays.map(({ figures }) => ({ ...figures }));
  }

  /** Cuts the current path for good, and opens another one. */
  detour(): void {
    const dead = this.#relays.at(-1);
    if (dead) dead.weather = { cut: true };
    this.#relays.push(new UdpRelay(SEED));
  }

  /** Returns a description or a candidate of the SFU, as the agent receives it. */
  async toAgent(text: string): Promise<string> {
    const relay = this.#relays.at(-1);
    if (!relay) return text;
    return await eachCandidate(text, async (line) => {
      const [, port] = OURS.exec(line) ?? [];
      if (port === undefined) return undefined;
      return line.replace(` ${port} typ`, ` ${await relay.route(Number(port))} typ`);
    });
  }

  /** Returns a description or a candidate of the agent, as the SFU receives it. */
  async toSfu(text: string): Promise<string> {
    if (this.#relays.length === 0) return text;
    return await eachCandidate(text, () => Promise.resolve(undefined));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#relays.map((relay) => relay[Symbol.asyncDispose]()));
  }
}

/** Changes the candidates of a text, and drops those that become undefined. */
async function eachCandidate(
  text: string,
  change: (line: string) => Promise<string | undefined>,
): Promise<string> {
  const lines = await Promise.all(
    text.split("\r\n").map((line) => CANDIDATE.test(line) ? change(line) : line),
  );
  return lines.filter((line) => line !== undefined).join("\r\n");
}
