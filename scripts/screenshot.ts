/**
 * `deno run -A scripts/screenshot.ts`: takes the picture of LocalEdge's page that the README shows.
 *
 * A person is in a call with an agent whose models follow a script; the picture is what they see.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { flags } from "./lib/command_line.ts";
import { Agent, fixedEndpointing, silentLogger, systemClock } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { FakeLLM, FakeSTT, FakeTTS, FakeVAD } from "@ringline/edge/testing";
import { LevelPicture } from "../examples/lib/level_picture.ts";
import { type Browser, launchBrowser, type Page } from "./lib/browser.ts";

flags(`scripts/screenshot.ts

Takes the picture of the page that the README shows.`);

const PICTURE = new URL("../docs/images/page.png", import.meta.url);
const SIZE = { width: 1200, height: 560 };

const QUESTION = "How long does the walk to the lake take?";
const REPLY = "About forty minutes. The path is flat, and there is a café halfway.";

/** A microphone that speaks when told to, and a camera that shows a face of circles. */
const DEVICES = (hue: number) =>
  `navigator.mediaDevices.getUserMedia = ({ audio, video }) => {
    const tracks = [];
    if (audio) {
      const context = new AudioContext();
      const tone = new OscillatorNode(context, { frequency: 220 });
      const gain = new GainNode(context, { gain: 0 });
      const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
      tone.connect(gain).connect(out);
      tone.start();
      globalThis.speak = (level) => gain.gain.value = level;
      tracks.push(...out.stream.getTracks());
    }
    if (video) {
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width: 640, height: 360 });
      const pen = canvas.getContext("2d");
      const disc = (colour, x, y, r) => {
        pen.fillStyle = colour;
        pen.beginPath();
        pen.arc(x, y, r, 0, 7);
        pen.fill();
      };
      setInterval(() => {
        pen.fillStyle = "hsl(${hue} 35% 78%)";
        pen.fillRect(0, 0, 640, 360);
        disc("hsl(${hue} 40% 45%)", 320, 420, 170);
        disc("hsl(30 45% 72%)", 320, 190, 90);
        disc("hsl(${hue} 30% 30%)", 290, 180, 9);
        disc("hsl(${hue} 30% 30%)", 350, 180, 9);
      }, 200);
      tracks.push(...canvas.captureStream(5).getTracks());
    }
    return Promise.resolve(new MediaStream(tracks));
  };`;

async function join(browser: Browser, link: URL, name: string, hue: number): Promise<Page> {
  const page = await (await browser.createBrowserContext()).newPage();
  await page.setViewport({ ...SIZE, deviceScaleFactor: 1 });
  await page.evaluateOnNewDocument(DEVICES(hue));
  await page.goto(link.href);
  await page.waitForSelector("#name");
  await page.type("#name", name);
  // The list of cameras is filled when the browser has told which there are.
  await page.waitForFunction(`document.querySelector("#camera").length > 1`, { polling: 50 });
  await page.evaluate(`document.querySelector("#camera").selectedIndex = 1`);
  await page.click("#join");
  await page.waitForSelector('#status[data-state="connected"]', { timeout: 60_000 });
  return page;
}

const picture = new LevelPicture();
await using edge = new LocalEdge({ logger: silentLogger });
const agent = new Agent({
  edge,
  agentUser: { id: "guide", name: "Guide" },
  llm: new FakeLLM(systemClock, [{ text: REPLY, firstTokenMs: 120 }]),
  stt: new FakeSTT(systemClock, [{ text: QUESTION, delayMs: 80 }]),
  tts: new FakeTTS(systemClock, { firstByteMs: 60 }),
  vad: new FakeVAD(),
  turnHandling: { turnDetection: fixedEndpointing(400) },
  publishVideo: picture.track,
});
const call = await agent.createCall("default", "walk");
await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
await using own = await launchBrowser();
const link = await edge.callLink(call);
const ada = await join(own.browser, link, "Ada", 200);
for (let bar = 0; bar < 40; bar++) picture.draw(Math.abs(Math.sin(bar * 1.7)) * 0.8, bar > 14);

// Both pictures, before anything is said.
await ada.waitForFunction(
  `[...document.querySelectorAll("#tiles video")]
  .filter(({ videoWidth, readyState }) => videoWidth > 0 && readyState > 1).length === 2`,
  { polling: 50 },
);

const speak = (level: number) => ada.evaluate(`globalThis.speak(${level})`);
const shown = (text: string) =>
  ada.waitForFunction(`document.querySelector("#talk").innerText.includes("${text}")`);
await speak(0.3);
await delay(900);
await speak(0);
await shown("About forty minutes");
await Deno.writeFile(PICTURE, await ada.screenshot({ type: "png" }));
picture[Symbol.dispose]();
