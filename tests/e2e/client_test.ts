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
      ['setMuted("false")', "TypeError"],
      ["setMuted()", "TypeError"],
    ] as const;
    for (const [call, error] of cases) assertEquals(await thrown(guest, call), error, call);
    assertEquals(await thrown(guest, 'sendEvent("\\u20ac".repeat(1700))'), "nothing");
    assertEquals(await thrown(guest, 'rename(" Grace ")'), "nothing");
    await until("the event arrives", () => received.length === 1);
    for (
      const call of [
        "setMicrophone(guest.makePicture('red'))",
        "setMicrophone(new MediaStream([guest.voice]))",
        "setMicrophone(5)",
        "setCamera(guest.voice)",
        "setScreen(guest.voice)",
        "setScreen('screen')",
      ]
    ) {
      const name = await guest.page.evaluate(
        `guest.client.${call}.then(() => "nothing", (error) => error.name)`,
      );
      assertEquals(name, "TypeError", call);
    }
    const { microphone, camera, screen } = await guest.page.evaluate(
      "guest.client.media",
    ) as Record<
      string,
      boolean
    >;
    assertEquals([microphone, camera, screen], [true, false, false]);
    const link = JSON.stringify(fixture.link.href);
    const join = `(options) => new guest.client.constructor({ link: ${link} })
      .join({ name: "Eve", ...options }).then(() => "nothing", (error) => error.name)`;
    for (const options of ["{ microphone: {} }", "{ camera: guest.voice }", "{ muted: 1 }"]) {
      assertEquals(await guest.page.evaluate(`(${join})(${options})`), "TypeError", options);
    }
    assertEquals(await guest.events("ended"), []);
  },
);

browserTest("a page's own screen that ends is taken away from the others", async (browser) => {
  await using fixture = await openAgentFixture();
  const ada = await Guest.join(browser, fixture.link, { name: "Ada" });
  const bob = await Guest.join(browser, fixture.link, { name: "Bob" });
  const seen = async () => (await bob.events("videos")).at(-1)?.videos.length ?? 0;
  // As the browser's own button for it ends a screen: the original of a clone ends.
  await ada.page.evaluate(`(async () => {
    const screen = new MediaStreamTrackGenerator({ kind: "video" });
    const writer = screen.writable.getWriter();
    const canvas = new OffscreenCanvas(320, 240);
    canvas.getContext("2d").fillRect(0, 0, 320, 240);
    const show = () => {
      const timestamp = Math.round(performance.now() * 1000);
      writer.write(new VideoFrame(canvas, { timestamp })).catch(() => {});
    };
    const shown = setInterval(show, 50);
    guest.stopSharing = () => { clearInterval(shown); void writer.close(); };
    guest.ended = screen.clone();
    await guest.client.setScreen(guest.ended);
  })()`);
  await until("Bob sees the screen", async () => await seen() === 1);
  await ada.page.evaluate("guest.stopSharing()");
  await until("Bob sees no screen", async () => await seen() === 0);
  assertEquals(await ada.page.evaluate("guest.client.media.screen"), false);
  await until("it has ended", async () => {
    return await ada.page.evaluate("guest.ended.readyState") === "ended";
  });
  await ada.page.evaluate("guest.client.setScreen(guest.ended)");
  assertEquals(await ada.page.evaluate("guest.client.media.screen"), false);
  await ada.leave();
  await bob.leave();
});

browserTest("a depth of the jitter buffer that the page has set stays", async (browser) => {
  await using fixture = await openAgentFixture();
  const guest = await Guest.join(browser, fixture.link, { name: "Ada" });
  const depths = await guest.page.evaluate(`(async () => {
    const { client } = guest;
    const measured = () => new Promise((resolve) =>
      client.addEventListener("stats", resolve, { once: true }));
    for (const { receiver } of client.connection.getTransceivers()) receiver.jitterBufferTarget = 300;
    await measured();
    await measured();
    await measured();
    return client.connection.getTransceivers().map(({ receiver }) => receiver.jitterBufferTarget);
  })()`) as number[];
  assertEquals(new Set(depths), new Set([300]));
  await guest.leave();
});

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
