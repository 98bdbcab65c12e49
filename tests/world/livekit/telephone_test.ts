/** The contract's part on telephones, with LiveKit's own server, client and SDK; its SIP service is a double. */
import {
  conformanceTests,
  type EdgeUnderTest,
  type RemoteParticipant,
} from "@ringline/edge/testing";
import { LiveKitEdge } from "@ringline/livekit";
import { AccessToken } from "livekit-server-sdk";
import { launchBrowser } from "../../../scripts/lib/browser.ts";
import { chromium } from "../../e2e/_fixture.ts";
import { optionsFor } from "./_fixture.ts";
import { Guest, GuestPage } from "./_guest.ts";
import { API_KEY, API_SECRET, LiveKitServer, program } from "./_server.ts";
import { NUMBERS, Telephones } from "./_telephones.ts";

/** Has a telephone join a room, as LiveKit's SIP service would. */
async function join(page: GuestPage, url: string, room: string, identity: string): Promise<Guest> {
  const token = new AccessToken(API_KEY, API_SECRET, { identity });
  token.kind = "sip";
  token.addGrant({ room, roomJoin: true });
  return await Guest.join(page, { url, token: await token.toJwt() });
}

function participantOf(guest: Guest): RemoteParticipant & Disposable {
  let dtmf = "";
  const timer = setInterval(() => {
    guest.run<string>("keys").then((keys) => dtmf = keys, () => clearInterval(timer));
  }, 50);
  return {
    participantId: guest.sid,
    heardMs: 0,
    customEvents: [],
    get dtmf() {
      return dtmf;
    },
    async sendDtmf(digits) {
      for (const digit of digits) await guest.run("pressKey", "0123456789*#".indexOf(digit), digit);
    },
    speak: (pcm) => guest.speak(pcm),
    mute: (muted) => guest.run("mute", muted),
    sendCustomEvent: (data) => guest.run("sendEvent", data),
    leave: () => guest.run("leave"),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function edgeUnderTest(server: LiveKitServer, page: GuestPage): EdgeUnderTest {
  const telephones = new Telephones({
    port: server.port,
    onAnswered: (room, identity) => join(page, server.url, room, identity),
    onTransferred: (room, identity) => server.rooms.removeParticipant(room, identity),
  });
  const edge = new LiveKitEdge({
    ...optionsFor([telephones.url, server.url]),
    sip: { trunkId: "ST_test", ringingTimeoutMs: 10_000 },
  });
  const people: (RemoteParticipant & Disposable)[] = [];
  return {
    edge,
    numbers: NUMBERS,
    async enter(call, { userId }) {
      const person = participantOf(await join(page, server.url, call.id, `sip_${userId}`));
      people.push(person);
      return person;
    },
    async [Symbol.asyncDispose]() {
      for (const one of people) one[Symbol.dispose]();
      await edge.close();
      await Promise.allSettled(people.map((one) => one.leave()));
      // One that has just been hung up may be gone by itself.
      const rooms = await server.rooms.listRooms();
      await Promise.allSettled(rooms.map(({ name }) => server.rooms.deleteRoom(name)));
      await telephones[Symbol.asyncDispose]();
    },
  };
}

Deno.test({
  name: "LiveKitEdge keeps the contract of an edge with a telephone",
  ignore: program === undefined || chromium === undefined,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(context) {
    await using server = await LiveKitServer.start();
    await using own = await launchBrowser();
    await using page = await GuestPage.open(own.browser);
    const factory = () => edgeUnderTest(server, page);
    const options = { name: "LiveKitEdge", limitMs: 20_000, text: false, video: false };
    const [without, tests] = [false, true].map((telephone) =>
      conformanceTests(factory, { ...options, telephone })
    );
    for (const [index, { name, ignore, run }] of tests!.entries()) {
      // Those that an edge without a telephone does not have.
      if (ignore || !without![index]!.ignore) continue;
      await context.step({ name, fn: run, sanitizeOps: false, sanitizeResources: false });
    }
  },
});
