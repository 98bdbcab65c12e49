/**
 * Our agent in a call with Stream's own client for browsers (`@stream-io/video-client`), on the double of
 * Stream's services: where the double and that client disagree, the client is right.
 */
import { assert, assertEquals } from "@std/assert";
import { StreamClient } from "@stream-io/node-sdk";
import { ErrorEvent, ParticipantJoinedEvent, ParticipantLeftEvent } from "../../src/edge/events.ts";
import { TrackType } from "../../src/edge/types.ts";
import type { Page } from "../../scripts/lib/browser.ts";
import { API_KEY, API_SECRET, StreamDouble } from "../edges/getstream/double/stream_double.ts";
import { CID, edgeOn } from "../edges/getstream/_fixture.ts";
import { Listener, medianFrequency } from "../edges/getstream/listener.ts";
import { browserTest, until } from "../e2e/_fixture.ts";
import { perform } from "../fixtures/performer.ts";

/** Returns Stream's client and the person who uses it as a script for a page. */
async function bundle(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--platform", "browser"],
      new URL("./_stream_guest.js", import.meta.url).pathname,
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** A person in the browser. */
class Official {
  constructor(readonly page: Page, readonly double: StreamDouble) {}

  async #run<T>(name: string, ...args: unknown[]): Promise<T> {
    const failed = async (error: unknown) => {
      const { faults } = await this.double.report();
      throw new Error(`${name} ${args}: ${error}; the double: ${faults} ${this.double.faults}`);
    };
    return await this.page.evaluate(
      async (name, args) => {
        // deno-lint-ignore no-explicit-any
        const { person } = globalThis as any;
        return typeof person[name] === "function" ? await person[name](...args) : person[name];
      },
      name,
      args,
    ).catch(failed) as T;
  }

  join(userId: string, name: string): Promise<void> {
    const { url } = this.double;
    const token = new StreamClient(API_KEY, API_SECRET).generateUserToken({ user_id: userId });
    return this.#run("join", { url, apiKey: API_KEY, userId, name, token, callId: "kitchen" });
  }

  /** Watches without a name. */
  watch(): Promise<void> {
    return this.#run("join", { url: this.double.url, apiKey: API_KEY, callId: "kitchen" });
  }

  leave = () => this.#run("leave");
  do = (device: string, action: string) => this.#run("do", device, action);
  callingState = () => this.#run<string>("callingState");
  sessionId = () => this.#run<string>("sessionId");
  log = () => this.#run<string[]>("log");
  heard = (userId: string) => this.#run<{ hz: number; level: number }>("heard", userId);
  seen = (userId: string) => this.#run<{ width: number; grey: number }>("seen", userId);
  others = () => this.#run<{ userId: string; sessionId: string; published: number[] }[]>("others");
}

browserTest(
  "Stream's own client and an agent hear and see each other in a call",
  async (browser) => {
    await using double = await StreamDouble.start();
    double.pages.set("/page", {
      type: "text/html",
      text: "<!doctype html><script src=/page.js></script>",
    });
    double.pages.set("/page.js", { type: "text/javascript", text: await bundle() });
    double.users.set("anna", { id: "anna", name: "Anna", custom: {} });
    await using edge = edgeOn(double, { participantGraceMs: 3000 });
    await using withoutSecret = edgeOn(double, {
      participantGraceMs: 3000,
      apiSecret: undefined,
      userToken: (id) => new StreamClient(API_KEY, API_SECRET).generateUserToken({ user_id: id }),
    });
    const events: string[] = [];
    for (const one of [edge, withoutSecret]) {
      one.events.subscribe(ErrorEvent, (e) => void events.push(`${e.context}: ${e.error}`));
      one.events.subscribe(ParticipantJoinedEvent, (e) => {
        events.push(`joined ${e.participant.userId} ${e.participant.kind}`);
      });
      one.events.subscribe(ParticipantLeftEvent, (e) => {
        events.push(`left ${e.participant.userId}`);
      });
    }
    const agent = new Listener({ id: "bot", name: "Bot" });
    await edge.authenticate(agent.user);
    const call = await edge.createCall("kitchen");
    let connection = await edge.join(agent, call);
    await perform(connection, edge);

    const page = await (await browser.createBrowserContext()).newPage();
    await page.goto(`${double.url}/page`);
    const anna = new Official(page, double);
    const step = async (what: string, condition: () => unknown) => {
      try {
        await until(what, condition, 15_000);
      } catch (error) {
        const { faults } = await double.report();
        const all = { events, faults, coordinator: double.faults, log: await anna.log() };
        throw new Error(`${what}: ${JSON.stringify(all, null, 1)}`, { cause: error });
      }
    };
    const track = (type: TrackType) =>
      [...connection.tracks.values()].find((one) => one.type === type);
    const hears = async (hz = 440) => {
      const since = performance.now();
      await step(`the agent hears ${hz} Hz`, () => {
        const loud = agent.slots.filter(({ at, rms }) => at > since && rms > 0.05);
        return loud.length > 20 && Math.abs(medianFrequency(loud) - hz) < 30;
      });
    };
    const sees = async (type: TrackType, wanted: number) => {
      await step(`the track ${TrackType[type]}`, () => track(type));
      const pictures = connection.addTrackSubscriber(track(type)!.id)!;
      let [grey, width] = [-1, 0];
      (async () => {
        for await (const picture of pictures) {
          width = picture.width;
          grey = picture.data[(picture.height >> 1) * width + (width >> 1)]!;
        }
      })();
      await step(`the agent sees grey ${wanted}`, () => Math.abs(grey - wanted) < 25);
      pictures.close();
      return width;
    };
    const isHeard = () =>
      step("the agent is heard", async () => {
        const { hz, level } = await anna.heard("bot");
        return level > -60 && Math.abs(hz - 660) < 20;
      });
    const isSeen = () =>
      step("the agent is seen", async () => {
        const { grey } = await anna.seen("bot");
        return Math.abs(grey - 180) < 30;
      });

    await anna.join("anna", "Anna");
    await step("Anna is there", () => events.includes("joined anna person"));
    await anna.do("microphone", "enable");
    await anna.do("camera", "enable");
    await hears();
    await sees(TrackType.VIDEO, 190);
    await isHeard();
    await isSeen();

    await anna.do("microphone", "disable");
    await step("Anna is muted", () => track(TrackType.AUDIO)?.muted);
    await anna.do("screenShare", "enable");
    await sees(TrackType.SCREEN_SHARE, 67);
    await step("the screen's sound", () => track(TrackType.SCREEN_SHARE_AUDIO));
    await hears(880);
    await anna.do("screenShare", "disable");
    await step("the screen is gone", () => {
      return !track(TrackType.SCREEN_SHARE) && !track(TrackType.SCREEN_SHARE_AUDIO);
    });
    await anna.do("microphone", "enable");
    await step("Anna is not muted", () => track(TrackType.AUDIO)?.muted === false);
    await hears();

    const before = await anna.sessionId();
    const { id } = [...connection.participants.values()][0]!;
    await double.sfu.command("error", { cid: CID, userId: "anna", strategy: 3 });
    await step("Anna rejoins", async () => {
      const now = await anna.sessionId();
      return now !== undefined && now !== before && await anna.callingState() === "joined";
    });
    await hears();
    await isHeard();
    await isSeen();
    assertEquals([...connection.participants.keys()], [id], "Anna is the same participant");
    assertEquals(events, ["joined anna person"], "for the agent nothing has happened");

    await double.sfu.command("kick", { cid: CID, userId: "bot" });
    assertEquals(await connection.closed, "kicked");
    await step("Anna is alone", async () => (await anna.others()).length === 0);

    // It comes back by its user's token alone.
    connection = await withoutSecret.join(agent, call);
    await perform(connection, withoutSecret);
    await hears();
    await isHeard();
    const other = await (await browser.createBrowserContext()).newPage();
    await other.goto(`${double.url}/page`);
    const viewer = new Official(other, double);
    await viewer.watch();
    await step("the viewer hears the agent", async () => {
      const { hz, level } = await viewer.heard("bot");
      return level > -60 && Math.abs(hz - 660) < 20;
    });
    await anna.leave();
    await step("Anna has left", () => events.at(-1) === "left anna");
    await step("one watches", () => connection.state === "active");
    assertEquals(connection.participants.size, 0);
    await viewer.leave();
    await step("no person watches", () => connection.state === "idle");
    await anna.join("anna", "Anna");
    await step("Anna is back", () => events.at(-1) === "joined anna person");
    await new StreamClient(API_KEY, API_SECRET, { basePath: double.url })
      .video.call("default", "kitchen").end();
    assertEquals(await connection.closed, "call-ended");
    await step("Anna's client has left", async () => await anna.callingState() === "left");
    assert(events.every((one) => /^(joined|left) anna/.test(one)), events.join("\n"));
    const complaints = [...await anna.log(), ...await viewer.log()]
      .filter((line) => line.startsWith("error:"));
    // The one that the SFU was told to send, above.
    const ordered = ["error: [SfuClient]: SFU reported error [object Object]"];
    assertEquals([complaints, (await double.report()).faults, double.faults], [ordered, [], []]);
  },
);
