/** Firefox on the product's own page, with an edge on its default host. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { Agent, silentLogger, TextReceivedEvent } from "@ringline/edge";
import { LocalEdge, type LocalServerOptions } from "@ringline/edge/local";
import { selfSignedCertificate } from "@ringline/edge/local/certificate";
import { launchBrowser, type Page } from "../../scripts/lib/browser.ts";
import { Ears, openAgentFixture, tone } from "../e2e/_agents.ts";
import { hasLoopback6 } from "../edges/local/network.ts";
import { chromium, firefox, firefoxTest, Guest, until } from "../e2e/_fixture.ts";
import { joinByKeyboard, openPage, shows } from "../e2e/_page.ts";
import { levelDb, type Recording, toneDb } from "../e2e/_signal.ts";

const BROWSER = new URL("../../scripts/lib/browser.ts", import.meta.url).href;
/** What Firefox's microphone says: a tone of 700 Hz with an amplitude of 0.25. */
const VOICE = `navigator.mediaDevices.getUserMedia = async () => {
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: 700 });
  const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  tone.connect(new GainNode(context, { gain: 0.25 })).connect(out);
  tone.start();
  return out.stream;
}`;
/** What a tone of amplitude 0.25 measures. */
const TONE_DB = 20 * Math.log10(0.25) - 10 * Math.log10(2);
const QUIET_DB = -60;
/** What Firefox's own fake microphone says: 1000 Hz with an amplitude of 0.1. */
const FAKE_DB = 20 * Math.log10(0.1) - 10 * Math.log10(2);

/** The last 340 ms that the page has heard, out of the browser's decoder. */
async function heardBy(page: Page): Promise<Recording> {
  const { sampleRate, samples } = await page.evaluate(`(() => {
    if (!globalThis.heard) {
      const context = new AudioContext();
      globalThis.heard = new AnalyserNode(context, { fftSize: 16384 });
      context.createMediaStreamSource(ringline.audio).connect(globalThis.heard);
    }
    const samples = new Float32Array(heard.fftSize);
    heard.getFloatTimeDomainData(samples);
    return { sampleRate: heard.context.sampleRate, samples: [...samples] };
  })()`) as { sampleRate: number; samples: number[] };
  return { sampleRate, samples: Float32Array.from(samples) };
}

/**
 * Waits until a recording is a tone of this pitch and level, within 1 dB, and nothing else. It may
 * take several: on a machine that is busy there are gaps in what browsers send and play.
 */
async function hearsTone(
  who: string,
  record: () => Promise<Recording>,
  hz: number,
  db = TONE_DB,
): Promise<void> {
  let measured: number[] = [];
  try {
    await until(`${who} hears ${hz} Hz at ${db} dB`, async () => {
      const heard = await record();
      measured = [toneDb(heard, hz), levelDb(heard.samples)];
      return measured.every((level) => Math.abs(level - db) < 1);
    });
  } catch (cause) {
    throw new Error(`last heard: the tone and all of it at ${measured} dB`, { cause });
  }
}

Deno.test({
  name: "Firefox and its folder are removed when the program that started it is killed",
  ignore: firefox === undefined || Deno.build.os === "windows",
  async fn() {
    const program = `import { launchFirefox } from ${JSON.stringify(BROWSER)};
      const { browser } = await launchFirefox();
      const { pid, spawnargs } = browser.process();
      console.log(JSON.stringify({ pid, spawnargs }));
      setInterval(() => {}, 1000);`;
    await using child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", program],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    let line = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      line += text;
      if (line.endsWith("\n")) break;
    }
    const { pid, spawnargs } = JSON.parse(line);
    const folder = spawnargs.at(spawnargs.indexOf("--profile") + 1).replace(/\/profile$/, "");
    assert((await Deno.stat(folder)).isDirectory);
    child.kill("SIGKILL");
    await until("Firefox is gone", async () => {
      const { stdout } = await new Deno.Command("ps", { args: ["-o", "stat=", "-p", `${pid}`] })
        .output();
      return /^(Z.*)?$/.test(new TextDecoder().decode(stdout).trim());
    });
    await until("its folder is gone", async () => {
      return await Deno.stat(folder).then(() => false, () => true);
    });
  },
});

firefoxTest(
  "a person in Firefox joins immediately, is heard, hears, mutes, writes and leaves",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const { agent, ears } = fixture;
    const page = await openPage(browser, fixture.link, VOICE);
    await joinByKeyboard(page, "Ada");
    const joined = performance.now();
    await shows(page, /Connected/);
    // It takes 0.3 s; the rest is for a machine that is busy.
    assertLess(performance.now() - joined, 5000);

    await hearsTone("the agent", () => ears.next("Ada", 300), 700);

    const said = agent.audio.write(tone(1000, 10_000));
    await hearsTone("Ada", () => heardBy(page), 1000);
    await agent.audio.flush();
    await said;
    await until("it is quiet", async () => levelDb((await heardBy(page)).samples) < QUIET_DB);

    const { tracks } = agent.connection!;
    const isMuted = () => [...tracks.values()].some(({ muted }) => muted);
    assert(!isMuted());
    await page.click("#mute");
    await until("the agent is told that Ada is muted", isMuted);
    await page.click("#mute");
    await until("the agent is told that Ada is not muted", () => !isMuted());
    await hearsTone("the agent", () => ears.next("Ada", 300), 700);

    const texts: string[] = [];
    using _texts = fixture.edge.events.subscribe(TextReceivedEvent, ({ text }) => {
      texts.push(text);
    });
    await page.type("#compose-text", "Hello from Firefox.");
    await page.keyboard.press("Enter");
    await until("the agent reads what Ada writes", () => texts[0] === "Hello from Firefox.");
    await shows(page, /Hello from Firefox/);

    await page.click("#leave");
    await until("Ada is gone", () => agent.connection!.participants.size === 0);
    assertEquals(agent.connection!.state, "idle");
    await shows(page, /You left the call/);
  },
);

firefoxTest(
  "Firefox joins wherever an edge listens on its machine, over TLS too",
  async (browser) => {
    const cases: [LocalServerOptions, string?][] = [
      [{}, "localhost"],
      [{ tls: await selfSignedCertificate(["127.0.0.1"]) }],
      [{ origins: ["http://localhost:5173"] }],
      [{ host: "0.0.0.0", origins: ["https://example.org"] }],
    ];
    if (hasLoopback6) cases.push([{ host: "::1" }]);
    const own = Deno.networkInterfaces()
      .find(({ address, family }) => family === "IPv4" && !address.startsWith("127."));
    // Others are given the address that is announced, and so is a browser here.
    if (own) cases.push([{ host: "0.0.0.0", announcedAddress: own.address }, "localhost"]);
    for (const [options, name] of cases) {
      await using edge = new LocalEdge({ ...options, logger: silentLogger });
      const ears = new Ears();
      const agent = new Agent({
        edge,
        agentUser: { id: "agent", name: "Agent" },
        processors: [ears],
      });
      const call = await agent.createCall("default", "test");
      await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
      const link = await edge.callLink(call);
      if (name) link.hostname = name;
      const page = await openPage(browser, link);
      await joinByKeyboard(page, "Ada");
      const at = `the agent at ${link.origin}`;
      await hearsTone(at, () => ears.next("Ada", 300), 1000, FAKE_DB);
      await page.browserContext().close();
    }
  },
);

firefoxTest("an agent joins a call that is started in Firefox", async (browser) => {
  await using edge = new LocalEdge({ logger: silentLogger });
  await using server = await edge.serve({
    onCall: async (call) => {
      const agent = new Agent({ edge, agentUser: { id: "host", name: "Host" } });
      await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
      await agent.finish();
    },
  });
  const page = await openPage(browser, server.url);
  await joinByKeyboard(page, "Ada");
  await shows(page, /Connected/);
  await shows(page, /Host/);
});

firefoxTest("a person in Firefox and one in Chromium hear each other", async (browser) => {
  await using fixture = await openAgentFixture();
  await using own = await launchBrowser();
  const page = await openPage(browser, fixture.link, VOICE);
  await joinByKeyboard(page, "Ada");
  await shows(page, /Connected/);
  const grace = await Guest.join(own.browser, fixture.link, { name: "Grace" });
  await grace.startTone(1500);
  // Each hears the other, and nothing else.
  await hearsTone("Grace", () => grace.hear(300), 700);
  await hearsTone("Ada", () => heardBy(page), 1500);
  await grace.leave();
}, { ignore: chromium === undefined });

/** Firefox's microphone as above, a red camera and a green screen. */
const VOICE_AND_PICTURES = `${VOICE};
  const voice = navigator.mediaDevices.getUserMedia;
  const picture = (colour) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [320, 240];
    const pen = canvas.getContext("2d");
    setInterval(() => {
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 320, 240);
    }, 50);
    return canvas.captureStream(20);
  };
  navigator.mediaDevices.getUserMedia = async ({ audio }) =>
    audio ? await voice() : picture("rgb(200, 0, 0)");
  navigator.mediaDevices.getDisplayMedia = async () => picture("rgb(0, 200, 0)");`;

/** A pixel of the video of this participant that the page shows; `x` and `y` are shares of its sides. */
async function pixelOf(
  page: Page,
  participantId: string,
  [x, y] = [0.5, 0.5],
): Promise<{ pixel: number[]; shape: number } | undefined> {
  return await page.evaluate(
    (id, x, y) => {
      // deno-lint-ignore no-explicit-any -- the page's
      const { ringline, document } = globalThis as any;
      // deno-lint-ignore no-explicit-any
      const one = ringline.videos.find((video: any) => video.participantId === id);
      const shown = [...document.querySelectorAll("video")]
        .find(({ srcObject }) => one && srcObject === one.stream);
      if (!shown?.videoWidth) return undefined;
      const canvas = document.createElement("canvas");
      const { videoWidth: width, videoHeight: height } = shown;
      [canvas.width, canvas.height] = [width, height];
      const pen = canvas.getContext("2d");
      pen.drawImage(shown, 0, 0);
      const { data } = pen.getImageData(Math.floor(width * x), Math.floor(height * y), 1, 1);
      return { pixel: [...data], shape: width / height };
    },
    participantId,
    x!,
    y!,
  ) as { pixel: number[]; shape: number } | undefined;
}

/** Whether the page shows a video of this participant that is mostly of one colour: 0 is red, 1 green. */
async function seesColour(page: Page, participantId: string, colour: number): Promise<boolean> {
  return isColour((await pixelOf(page, participantId))?.pixel, colour);
}

function isColour(pixel: number[] | undefined, colour: number): boolean {
  return pixel !== undefined && pixel[colour]! > 120 && pixel[1 - colour]! < 80;
}

firefoxTest(
  "cameras and screens of Firefox and Chromium are seen, in the next media process too",
  async (browser) => {
    await using fixture = await openAgentFixture();
    await using own = await launchBrowser();
    const { edge, agent } = fixture;
    const page = await openPage(browser, fixture.link, VOICE_AND_PICTURES);
    await page.waitForSelector("#lobby:not([hidden]) #name");
    await page.type("#name", "Ada");
    await page.select("#camera", "default");
    await page.click("#join");
    await shows(page, /Connected/);
    const grace = await Guest.join(own.browser, fixture.link, {
      name: "Grace",
      camera: "rgb(0, 200, 0)",
    });
    const adaId = await page.evaluate("ringline.id") as string;
    await page.click("#screen-toggle");
    const sees = (kind: string, colour: number) =>
      until(
        `Grace sees Ada's ${kind}`,
        async () => isColour(await grace.run("pixel", [adaId, kind]), colour),
      );
    const allSee = async () => {
      await until("Ada sees Grace", () => seesColour(page, grace.id, 1));
      await sees("camera", 0);
      await sees("screen", 1);
    };
    await allSee();
    const pid = edge.mediaProcessId!;
    Deno.kill(pid, "SIGKILL");
    await until("the next process", () => edge.mediaProcessId !== pid && edge.mediaProcessId);
    await until("the agent is back", () => !agent.connection!.isReconnecting);
    await until("Ada is back", async () => await page.evaluate("ringline.state") === "connected");
    await until(
      "Grace is back",
      async () => (await grace.events("state")).at(-1)?.state === "connected",
    );
    await allSee();
    await hearsTone("the agent", () => fixture.ears.next("Ada", 300), 700);
    assertEquals([...agent.connection!.participants.keys()].sort(), [adaId, grace.id].sort());
    await grace.leave();
  },
  { ignore: chromium === undefined },
);

firefoxTest("a camera of Chromium held at an angle is upright in Firefox", async (browser) => {
  await using fixture = await openAgentFixture();
  await using own = await launchBrowser();
  const page = await openPage(browser, fixture.link, VOICE);
  await joinByKeyboard(page, "Ada");
  await shows(page, /Connected/);
  const grace = await Guest.join(own.browser, fixture.link, { name: "Grace" });
  await grace.run("turn", [90]);
  await until("it is upright", async () => {
    const seen = await pixelOf(page, grace.id, [0.5, 0.25]);
    return seen?.shape === 3 / 4 && isColour(seen?.pixel, 0);
  });
  await grace.leave();
}, { ignore: chromium === undefined });

firefoxTest("a killed Firefox is gone for the agent", async (browser) => {
  await using fixture = await openAgentFixture();
  const page = await openPage(browser, fixture.link, VOICE);
  await joinByKeyboard(page, "Ada");
  await shows(page, /Connected/);
  const connection = fixture.agent.connection!;
  await until("Ada is here", () => connection.state === "active");
  const killed = performance.now();
  browser.process()!.kill("SIGKILL");
  await until("Ada is gone", () => connection.participants.size === 0);
  // A second is what is promised; the rest is for a machine that is busy.
  assertLess(performance.now() - killed, 3000);
});
