/** The whole contract, on LiveKit's own server with LiveKit's own client on the other side. */
import { type JsonValue, TrackType } from "@ringline/edge";
import {
  conformanceTests,
  type EdgeUnderTest,
  type RemoteParticipant,
} from "@ringline/edge/testing";
import { launchBrowser } from "../../../scripts/lib/browser.ts";
import { chromium } from "../../e2e/_fixture.ts";
import { LiveKitEdge } from "@ringline/livekit";
import { until } from "../../fixtures/until.ts";
import { entry, optionsFor } from "./_fixture.ts";
import { Guest, GuestPage } from "./_guest.ts";
import { LiveKitServer, program } from "./_server.ts";
import { Wire } from "./_wire.ts";

const ROOMS = ["kit", "kit-1", "kit-2"];

/** An edge whose agents are received when they have published. */
class PatientEdge extends LiveKitEdge {
  /** Those who are to hear the agents, and in which call. */
  readonly guests = new Map<Guest, string>();

  /** On a machine that is busy a browser subscribes late, and what was said by then is lost. */
  override async publishTracks(...[tracks, options]: Parameters<LiveKitEdge["publishTracks"]>) {
    await super.publishTracks(tracks, options);
    if (!tracks.audio) return;
    const { call } = options?.connection ?? [...this.connections][0]!;
    for (const [guest, id] of this.guests) if (id === call.id) await receives(guest, "agent-audio");
  }

  override async join(...[agent, call, options]: Parameters<LiveKitEdge["join"]>) {
    const connection = await super.join(agent, call, options);
    const publish = connection.publishDirectedAudio.bind(connection);
    connection.publishDirectedAudio = async (track) => {
      await publish(track);
      const guest = this.guests.keys().find(({ sid }) => sid === track.to!.id);
      if (guest) await receives(guest, "agent-audio-directed");
    };
    return connection;
  }
}

/** Waits until a guest receives the agents' tracks of this name. */
async function receives(guest: Guest, name: string): Promise<void> {
  const before = await guest.packets(name);
  await until(`${name} is received`, async () => await guest.packets(name) > before + 10);
}

/** A guest as the kit sees it: what the page tells is kept here, as it comes. */
function participantOf(guest: Guest, onLeft: () => void): RemoteParticipant & Disposable {
  let heardMs = 0;
  let customEvents: JsonValue[] = [];
  const timer = setInterval(async () => {
    try {
      heardMs = await guest.audibleMs();
      customEvents = (await guest.run<{ data: JsonValue }[]>("events")).map(({ data }) => data);
    } catch {
      clearInterval(timer);
    }
  }, 50);
  return {
    participantId: guest.sid,
    get heardMs() {
      return heardMs;
    },
    get customEvents() {
      return customEvents;
    },
    speak: (pcm) => guest.speak(pcm),
    mute: (muted) => guest.run("mute", muted),
    sendCustomEvent: (data) => guest.run("sendEvent", data),
    sendText: (text) => guest.run("sendText", text),
    async publishVideo(type) {
      const source = type === TrackType.SCREEN_SHARE ? "screen_share" : "camera";
      await guest.run("show", source, "rgb(0, 200, 0)", 320, 240);
      return { [Symbol.asyncDispose]: () => guest.run("hide", source) };
    },
    leave: async () => {
      onLeft();
      await guest.run("leave");
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function liveKitEdgeUnderTest(server: LiveKitServer, page: GuestPage): EdgeUnderTest {
  const wire = new Wire(server.port);
  const edge = new PatientEdge({ ...optionsFor(wire.url), participantGraceMs: 1000 });
  let devices = 0;
  const people: (RemoteParticipant & Disposable)[] = [];
  return {
    edge,
    async enter(call, { userId }) {
      const guest = await Guest.join(
        page,
        await entry(edge, call, server.url, { id: userId, name: userId }, `device-${++devices}`),
      );
      edge.guests.set(guest, call.id);
      const participant = participantOf(guest, () => edge.guests.delete(guest));
      people.push(participant);
      return participant;
    },
    dropNetwork(_connection, lost) {
      wire.cut(lost);
      return Promise.resolve();
    },
    async openResources() {
      const present = await server.rooms.listParticipants("kit");
      return present.length + (edge.mediaProcessId === undefined ? 0 : 1);
    },
    async [Symbol.asyncDispose]() {
      for (const one of people) one[Symbol.dispose]();
      await edge.close();
      await Promise.allSettled(people.map((one) => one.leave()));
      await Promise.allSettled(ROOMS.map((room) => server.rooms.deleteRoom(room)));
      await wire[Symbol.asyncDispose]();
    },
  };
}

Deno.test({
  name: "LiveKitEdge keeps the contract on LiveKit's own server, with its own client",
  ignore: program === undefined || chromium === undefined,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(context) {
    await using server = await LiveKitServer.start();
    await using own = await launchBrowser();
    await using page = await GuestPage.open(own.browser);
    const tests = conformanceTests(() => liveKitEdgeUnderTest(server, page), {
      name: "LiveKitEdge",
      directedAudio: true,
      networkLoss: true,
      openResources: true,
      // A codec rings on after a tone, and two jitter buffers may stretch it.
      toleranceMs: 200,
      limitMs: 20_000,
    });
    for (const { name, ignore, run } of tests) {
      if (ignore) continue; // a part that LiveKitEdge does not have, or that it has
      await context.step({ name, fn: run, sanitizeOps: false, sanitizeResources: false });
    }
  },
});
