/**
 * The people of the hard scenarios, in a process of their own.
 *
 * Arguments: the scenario, the call's link, and how many. Responds to `ask: "figures"`; ends with its
 * input.
 *
 * - `lossy`: so many people stay, each behind a relay that loses packets.
 * - `joins`: so many people join and leave, four at a time; who cannot join tries again. Says
 *   `{ left: N }` each time one has.
 * - `silent`: so many connections are open at any time that upgrade, never say hello and never answer a
 *   close; after each ends, another is opened.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { receive, send } from "../../bench/lib/lines.ts";
import { waitFor } from "../../src/events/waiting.ts";
import { speakTogether, WrtcParticipant } from "../../bench/call/wrtc_participant.ts";
import { LossyRelay } from "./lossy_relay.ts";

const AT_A_TIME = 4;
/** How long one stays who only joins and leaves. */
const STAY_MS = 300;
/** How long one may take to join: on a busy machine it is long. */
const JOIN_MS = 20_000;

const people: WrtcParticipant[] = [];
const relays: LossyRelay[] = [];
const figures = { joins: 0, leaves: 0, opened: 0, failed: 0 };
let over = false;

/** A join over such a network may fail: a person would try again, too. */
async function joinLossy(link: URL, index: number): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      return await tryLossy(link, index);
    } catch (error) {
      figures.failed++;
      if (tries === 5) throw error;
    }
  }
}

/** Joins behind a relay: the server sees the relay's address only. */
async function tryLossy(link: URL, index: number): Promise<void> {
  const relayed = new Map<string, Promise<LossyRelay>>();
  const relay = async (line: string) => {
    const parts = line.split(" ");
    const [address, port] = [parts[4]!, parts[5]!];
    // The loopback only, since the relay is on it.
    if (address !== "127.0.0.1") return undefined;
    const relay = await relayed.getOrInsertComputed(port, () => LossyRelay.open(Number(port)));
    if (!relays.includes(relay)) relays.push(relay);
    parts[5] = String(relay.port);
    return parts.join(" ");
  };
  const person = new WrtcParticipant(link, index, { relay });
  await person.connected;
  figures.joins++;
  people.push(person);
}

/** Joins and leaves, one person after another, until all of `waiting` have. */
async function joinAndLeave(link: URL, waiting: number[]): Promise<void> {
  while (!over) {
    const index = waiting.shift();
    if (index === undefined) return;
    const person = new WrtcParticipant(link, index);
    try {
      await waitFor(person.connected, "joining", { timeoutMs: JOIN_MS });
      figures.joins++;
      people.push(person);
      await delay(STAY_MS);
      people.splice(people.indexOf(person), 1);
    } catch {
      figures.failed++;
      waiting.push(index);
      await person.leave();
      continue;
    }
    await person.leave();
    send({ left: ++figures.leaves });
  }
}

/** Holds one connection open for as long as the server lets it, and opens another. */
async function saySomethingNever(link: URL): Promise<void> {
  const { hostname, port } = link;
  const request = `GET /signal HTTP/1.1\r\nHost: ${link.host}\r\nOrigin: ${link.origin}\r\n` +
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  while (!over) {
    try {
      using connection = await Deno.connect({ hostname, port: Number(port) });
      await connection.write(new TextEncoder().encode(request));
      figures.opened++;
      const buffer = new Uint8Array(1024);
      while (await connection.read(buffer) !== null);
    } catch {
      figures.failed++;
      await delay(100);
    }
  }
}

if (import.meta.main) {
  Deno.addSignalListener("SIGINT", () => {}); // the end of the input is the order
  const [scenario, href, count] = Deno.args as [string, string, string];
  const link = new URL(href);
  const many = Number(count);
  const times = (n: number) => Array.from({ length: n }, (_, index) => index);
  speakTogether(people);
  setInterval(() => people.forEach((person) => person.ping()), 1000);
  (async () => {
    if (scenario === "lossy") {
      await Promise.all(times(many).map((index) => joinLossy(link, index)));
    }
    send({ begun: true });
    if (scenario === "joins") {
      const waiting = times(many);
      await Promise.all(times(AT_A_TIME).map(() => joinAndLeave(link, waiting)));
    }
    if (scenario === "silent") { for (const _ of times(many)) void saySomethingNever(link); }
  })().catch((error) => send({ begun: null, error: String(error) }));
  for await (const { ask } of receive()) {
    if (ask !== "figures") continue;
    const heard = await Promise.all(people.map((person) => person.stats()));
    const packets = relays.map((relay) => relay.packets);
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
    send({
      figures: {
        ...figures,
        here: people.length,
        received: sum(heard.map(({ received }) => received)),
        concealed: sum(heard.map(({ concealed }) => concealed)),
        passed: sum(packets.map(({ passed }) => passed)),
        lost: sum(packets.map(({ lost }) => lost)),
      },
    });
  }
  over = true;
  await Promise.all(people.map((person) => person.leave()));
  for (const relay of relays) relay.close();
  Deno.exit(0); // at its natural end wrtc crashes
}
