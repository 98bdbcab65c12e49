/**
 * A camera between people: what the media process pays for each stream that it forwards, which it decodes
 * and encodes again.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import type { Page } from "../../scripts/lib/browser.ts";
import { cpuMs } from "../lib/process_cpu.ts";
import { progress } from "../lib/progress.ts";
import { type BenchContext, closePage, newPage } from "./bench_context.ts";
import { connectParticipant } from "./browser_participant.ts";

/** One shows a camera, the others see it: so many streams but one are forwarded. */
const PEOPLE = 3;
/** Until the bandwidth is found, and the picture has its full size. */
const SETTLE_MS = 10_000;

/** What a camera costs. */
export interface CameraResult {
  seconds: number;
  streams: number;
  /** What the others receive at the end: width, height, frames a second; the least of them. */
  received: { width: number; height: number; fps: number };
  /** Per cent of a core that the media process takes for each stream; `undefined` where it cannot be read. */
  mediaCpuPercent: number | undefined;
}

/** In the page: shows a camera with a picture that moves, as the page asks a camera for it. */
async function showCamera(): Promise<void> {
  // deno-lint-ignore no-explicit-any -- runs in the page, whose types are not ours
  const page = globalThis as any;
  const canvas = page.document.createElement("canvas");
  [canvas.width, canvas.height] = [640, 360];
  const context = canvas.getContext("2d");
  // A disc over a gradient that turns: neither still nor noise, as a person before a wall.
  page.setInterval(() => {
    const t = page.performance.now() / 1000;
    const gradient = context.createLinearGradient(0, 0, 640 * Math.cos(t / 5), 360);
    gradient.addColorStop(0, "#345");
    gradient.addColorStop(1, "#cba");
    context.fillStyle = gradient;
    context.fillRect(0, 0, 640, 360);
    context.fillStyle = "#e9b08a";
    context.beginPath();
    context.arc(320 + 60 * Math.sin(t), 180 + 20 * Math.cos(2 * t), 110, 0, 2 * Math.PI);
    context.fill();
  }, 1000 / 20);
  await page.benchClient.setCamera(canvas.captureStream(20).getVideoTracks()[0]);
}

/** In the page: the picture that it receives now. */
async function receivedPicture(): Promise<CameraResult["received"]> {
  // deno-lint-ignore no-explicit-any -- runs in the page, whose types are not ours
  const connection = (globalThis as any).benchClient.connection;
  const inbound = [...(await connection.getStats()).values()]
    .filter(({ type, kind, framesPerSecond }) =>
      type === "inbound-rtp" && kind === "video" && framesPerSecond > 0
    );
  const { frameWidth = 0, frameHeight = 0, framesPerSecond = 0 } = inbound[0] ?? {};
  return { width: frameWidth, height: frameHeight, fps: framesPerSecond };
}

/** Measures a call of three people before and after one of them shows a camera. */
export async function measureCamera(context: BenchContext): Promise<CameraResult> {
  const { agent, options } = context;
  const { link } = await agent.join();
  const pages: Page[] = [];
  try {
    for (let n = 0; n < PEOPLE; n++) {
      pages.push(await newPage(context));
      await connectParticipant(pages[n]!, link);
    }
    const mediaPid = await agent.mediaPid();
    const share = async () => {
      const [before, from] = [mediaPid && await cpuMs(mediaPid), performance.now()];
      await delay(options.cameraSeconds * 1000);
      const after = mediaPid && await cpuMs(mediaPid);
      return before === undefined || after === undefined
        ? undefined
        : (after - before) / (performance.now() - from) * 100;
    };
    await delay(3000);
    const without = await share();
    await pages[0]!.evaluate(showCamera);
    await delay(SETTLE_MS);
    const withCamera = await share();
    const streams = PEOPLE - 1;
    const seen = await Promise.all(pages.slice(1).map((page) => page.evaluate(receivedPicture)));
    const received = seen.reduce((least, one) =>
      one.fps * one.width < least.fps * least.width ? one : least
    );
    const mediaCpuPercent = without === undefined || withCamera === undefined
      ? undefined
      : (withCamera - without) / streams;
    progress(
      `camera: ${received.width} x ${received.height} at ${received.fps} a second, ` +
        `${mediaCpuPercent?.toFixed(1)} % of a core a stream in the media process`,
    );
    return { seconds: options.cameraSeconds, streams, received, mediaCpuPercent };
  } finally {
    for (const page of pages) await closePage(page);
    await agent.leave();
  }
}
