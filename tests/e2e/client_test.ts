/** The page's client, as another page would use and misuse it. */
import { assert, assertEquals } from "@std/assert";
import { Agent, CustomEventReceivedEvent, silentLogger } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { selfSignedCertificate } from "@ringline/edge/local/certificate";
import { openAgentFixture } from "./_agents.ts";
import { browserTest, Guest, until } from "./_fixture.ts";

/** What calling a method of the client throws. */
async function thrown(guest: Guest, call: string): Promise<string> {
  return await guest.page.evaluate(`(() => {
    const { client } = globalThis.guest;
    try { client.${call}; return "nothing"; } catch (error) { return error.name; }
  })()`) as string;
}

browserTest(
  "a wrong call of the client throws to its caller and ends nothing",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const guest = await Guest.join(browser, fixture.link, { name: "Ada" });
    const received: unknown[] = [];
    using _events = fixture.edge.events.subscribe(
      CustomEventReceivedEvent,
      ({ data }) => void received.push(data),
    );
    const cases = [
      ['sendEvent("x".repeat(6000))', "RangeError"],
      // Three bytes each: it is the bytes that count.
      ['sendEvent("\\u20ac".repeat(2000))', "RangeError"],
      ["sendEvent(undefined)", "TypeError"],
      ["sendEvent(() => 1)", "TypeError"],
      ["sendEvent(10n)", "TypeError"],
      ["sendEvent((() => { const a = {}; a.a = a; return a; })())", "TypeError"],
      ['rename("")', "RangeError"],
      ['rename("  ")', "RangeError"],
      ['rename("x".repeat(61))', "RangeError"],
      ['rename("a\\u202eb")', "RangeError"],
      ["rename(5)", "TypeError"],
    ] as const;
    for (const [call, error] of cases) assertEquals(await thrown(guest, call), error, call);
    assertEquals(await thrown(guest, 'sendEvent("\\u20ac".repeat(1700))'), "nothing");
    assertEquals(await thrown(guest, 'rename(" Grace ")'), "nothing");
    await until("the event arrives", () => received.length === 1);
    assertEquals(await guest.events("ended"), []);
  },
);

browserTest("a busy client stays within the server's limits", async (browser) => {
  await using fixture = await openAgentFixture();
  const ada = await Guest.join(browser, fixture.link, { name: "Ada" });
  const bob = await Guest.join(browser, fixture.link, { name: "Bob" });
  const said = await ada.page.evaluate(`(() => {
    const { client } = globalThis.guest;
    for (let count = 0; count <= 1000; count++) client.setMuted(count % 2 === 0);
    for (let count = 0; count <= 1000; count++) client.rename("Ada " + count);
    let refused;
    let sent = 0;
    try {
      for (; sent < 1000; sent++) client.sendEvent({ sent });
    } catch (error) {
      refused = error.code;
    }
    return { refused, sent };
  })()`) as { refused: string; sent: number };
  assertEquals(said.refused, "too-many-messages");
  assert(said.sent >= 20, `${said.sent} were taken`);
  // All see the last state, and all accepted events arrive.
  await until("Bob sees how it ended", async () => {
    const { participants } = (await bob.events("participants")).at(-1)!;
    const seen = participants.find(({ id }: { id: string }) => id === ada.id);
    return seen?.name === "Ada 1000" && !seen.audible;
  });
  await until(
    "Bob has all events",
    async () => (await bob.events("event")).length === said.sent,
  );
  assertEquals(await ada.events("ended"), []);
});

browserTest("an event that the server rejects ends nothing", async (browser) => {
  await using fixture = await openAgentFixture();
  const guest = await Guest.join(browser, fixture.link, { name: "Ada" });
  // Past the client's own check, as a client of another make would.
  await guest.page.evaluate(`(() => {
    const { client } = globalThis.guest;
    client.addEventListener("unsent", ({ detail }) => globalThis.unsent = detail);
    const encode = TextEncoder.prototype.encode;
    TextEncoder.prototype.encode = () => new Uint8Array(1);
    client.sendEvent("x".repeat(6000));
    TextEncoder.prototype.encode = encode;
  })()`);
  const unsent = await until(
    "the page is told",
    async () => await guest.page.evaluate("globalThis.unsent") as { code: string },
  );
  assertEquals(unsent.code, "message-too-large");
  assertEquals(await guest.events("ended"), []);
});

browserTest(
  "media that recovers while the signalling is cut lets the client reconnect",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const guest = await Guest.join(browser, fixture.link, { name: "Ada" });
    await guest.page.evaluate(`(() => {
      const { client } = globalThis.guest;
      client.addEventListener("state", ({ detail }) => {
        if (detail.state !== "reconnecting") return;
        client.connection.dispatchEvent(new Event("connectionstatechange"));
      });
      client.breakSignalling();
    })()`);
    await guest.client("setMuted", true);
    const { tracks } = fixture.agent.connection!;
    await until(
      "what the client tells arrives again",
      () => [...tracks.values()].some(({ muted }) => muted),
    );
    assertEquals(
      (await guest.events("state")).map(({ state }) => state).slice(-2),
      ["reconnecting", "connected"],
    );
  },
);

browserTest(
  "a client that leaves while the browser asks for a device closes it",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const guest = await Guest.join(browser, fixture.link, { name: "Ada" });
    await guest.page.evaluate(`(async () => {
      const { RinglineClient } = await import("/client.js");
      const asked = Promise.withResolvers();
      navigator.mediaDevices.getUserMedia = () => asked.promise;
      const client = new RinglineClient({ link: "${fixture.link}" });
      const track = globalThis.guest.voice.clone();
      client.join({ name: "Eve" }).catch(({ code }) => {
        globalThis.outcome = { code, track: track.readyState };
      });
      client.leave();
      asked.resolve(new MediaStream([track]));
    })()`);
    const outcome = await until(
      "joining ends",
      async () => await guest.page.evaluate("globalThis.outcome") as object,
    );
    assertEquals(outcome, { code: "left", track: "ended" });
  },
);

browserTest(
  "a muted client stays muted with another microphone, from its first sample",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const guest = await Guest.join(browser, fixture.link, { name: "Ada" });
    const sent = await guest.page.evaluate(`(async () => {
    const { client, voice } = globalThis.guest;
    const { replaceTrack } = RTCRtpSender.prototype;
    const sent = [];
    RTCRtpSender.prototype.replaceTrack = function (track) {
      sent.push(track.enabled);
      return replaceTrack.call(this, track);
    };
    const other = voice.clone();
    client.setMuted(true);
    await client.setMicrophone(other);
    client.setMuted(false);
    return [...sent, client.tracks.microphone.enabled];
  })()`);
    assertEquals(sent, [false, true]);
  },
);

browserTest(
  "a listed page of another origin joins through the client, over TLS as well",
  async (browser) => {
    await using foreign = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => new Response("<p>elsewhere</p>", { headers: { "content-type": "text/html" } }),
    );
    const elsewhere = `http://127.0.0.1:${foreign.addr.port}`;
    await using edge = new LocalEdge({
      tls: await selfSignedCertificate(["127.0.0.1"]),
      origins: [elsewhere],
      logger: silentLogger,
    });
    const agent = new Agent({ edge, agentUser: { id: "agent", name: "Agent" } });
    const call = await agent.createCall("default", "test");
    await using _joined = await agent.join(call, { participantWaitTimeoutMs: 0 });
    const link = await edge.callLink(call);
    assertEquals(link.protocol, "https:");

    const page = await browser.newPage();
    // The certificate is self-signed; a person would tell the browser to continue.
    const session = await page.createCDPSession();
    await session.send("Security.setIgnoreCertificateErrors", { ignore: true });
    await page.goto(elsewhere);
    const state = await page.evaluate(`(async () => {
      const { RinglineClient } = await import("${link.origin}/client.js");
      const client = new RinglineClient({ link: "${link}" });
      await client.join({ name: "Ada", microphone: null });
      return client.state;
    })()`);
    assertEquals(state, "connected");
    await until(
      "the agent sees Ada",
      () => [...agent.connection!.participants.values()].some(({ name }) => name === "Ada"),
    );
    await page.close();
  },
);
