/**
 * `deno task getstream:check`: checks GetStreamEdge against Stream's cloud, for people with an account.
 * It joins a real call with two agents, a speaker that sends audio and video and a listener, mutes and
 * unmutes, moderates, joins by a user's token, reconnects both by each strategy, ends the call, and prints a table of the results.
 *
 * Needs `STREAM_API_KEY` and `STREAM_API_SECRET` in the environment. Options: `--base-url URL` for
 * another address than Stream's, `--call ID`, `--json`. Exits with 0 when all checks passed, 1 when a
 * check failed, 2 when it could not begin.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { StreamClient } from "@stream-io/node-sdk";
import { PcmChunk } from "../src/audio/pcm_chunk.ts";
import type { Call } from "../src/edge/call.ts";
import type { CallConnection } from "../src/edge/call_connection.ts";
import type { AudioRow, EdgeAgent } from "../src/edge/edge_agent.ts";
import { ConnectionError } from "../src/edge/errors.ts";
import { CustomEventReceivedEvent, ErrorEvent } from "../src/edge/events.ts";
import {
  AgentMutedEvent,
  GetStreamEdge,
  type ReconnectStrategy,
  StreamCallEvent,
} from "../src/edges/getstream/mod.ts";
import { LatestVideoTrack } from "../src/edge/toolkit/latest_video_track.ts";
import { TrackType } from "../src/edge/types.ts";

const USAGE = `deno task getstream:check [--base-url URL] [--call ID] [--json]

Joins a real call of Stream's cloud and reports what works. Needs STREAM_API_KEY and
STREAM_API_SECRET in the environment.

  --base-url URL  another address than Stream's
  --call ID       the call to use (default: a new one)
  --json          the results as JSON`;

const FREQUENCY = 660;
const LUMA = 170;
/** The length of a frame: a longer silence counts as a gap. */
const FRAME_MS = 20;

/** One result, a line of the table. */
interface Line {
  check: string;
  passed: boolean;
  figure: string;
}

/** An agent that measures the audio of other agents. */
class MeasuringAgent implements EdgeAgent {
  readonly audioSubscription = { sampleRate: 16_000, agents: true } as const;
  readonly loudAt: number[] = [];
  readonly #frequencies: number[] = [];

  constructor(readonly user: { id: string; name: string }) {}

  receiveRow(row: AudioRow): void {
    for (let index = 0; index < row.count; index++) {
      const { samples, sampleRate } = row.entries[index]!.pcm;
      let sum = 0;
      const crossings: number[] = [];
      for (let at = 0; at < samples.length; at++) {
        sum += samples[at]! ** 2;
        if (at > 0 && (samples[at]! >= 0) !== (samples[at - 1]! >= 0)) crossings.push(at);
      }
      if (Math.sqrt(sum / samples.length) < 1500 || crossings.length < 3) continue;
      this.loudAt.push(performance.now());
      const halves = crossings.length - 1;
      this.#frequencies.push(halves * sampleRate / 2 / (crossings[halves]! - crossings[0]!));
      if (this.#frequencies.length > 50) this.#frequencies.shift();
    }
  }

  /** The median frequency of the last second, in hertz: the beginning of a stream is stretched. */
  get frequency(): number {
    return this.#frequencies.toSorted((a, b) => a - b)[this.#frequencies.length >> 1] ?? 0;
  }

  /** Returns the longest time without the tone since `from`. */
  gapSince(from: number): number {
    let last = from;
    let gap = 0;
    for (const at of [...this.loudAt.filter((one) => one >= from), performance.now()]) {
      gap = Math.max(gap, at - last);
      last = at;
    }
    return gap;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until<T>(
  condition: () => T | Promise<T>,
  timeoutMs = 10_000,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  while (true) {
    const result = await condition();
    if (result) return result;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms`);
    await pause(20);
  }
}

/** Waits for a promise for ten seconds at most. */
async function soon<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("not within 10 s")), 10_000);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer); // it would keep the program from ending
  }
}

class Check {
  readonly lines: Line[] = [];
  readonly errors: string[] = [];
  readonly #silent: boolean;

  constructor(options: { silent: boolean }) {
    this.#silent = options.silent;
  }

  /** Runs one check and notes the result; returns the check's value if it passed. */
  async do<T>(
    check: string,
    act: () => Promise<[T, string?]> | [T, string?],
  ): Promise<T | undefined> {
    const from = performance.now();
    try {
      const [result, figure] = await act();
      this.#note({ check, passed: true, figure: figure ?? ms(performance.now() - from) });
      return result;
    } catch (error) {
      // No participant came before the first check: that says nothing about the key or the rest.
      if (this.lines.length === 0 && error instanceof ConnectionError) throw error;
      this.#note({ check, passed: false, figure: String(error) });
      return undefined;
    }
  }

  #note(line: Line): void {
    this.lines.push(line);
    if (!this.#silent) console.error(`${line.passed ? "ok    " : "FAILED"} ${line.check}`);
  }
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

function table(lines: readonly Line[]): string {
  const width = Math.max(...lines.map(({ check }) => check.length));
  return lines.map(({ check, passed, figure }) =>
    `${passed ? "passed" : "FAILED"}  ${check.padEnd(width)}  ${figure}`
  ).join("\n");
}

/** Publishes a tone and an image until the result is disposed. */
function publishTone(
  connection: CallConnection,
  edge: GetStreamEdge,
): Disposable & { ready: Promise<void>; publish: () => Promise<void> } {
  const track = edge.createAudioTrack();
  const samples = new Int16Array(4800);
  for (let index = 0; index < samples.length; index++) {
    samples[index] = Math.sin(2 * Math.PI * FREQUENCY * index / 48_000) * 10_000;
  }
  const picture = new LatestVideoTrack();
  const [width, height] = [320, 180];
  const data = new Uint8Array(width * height * 3 / 2).fill(128).fill(LUMA, 0, width * height);
  const timer = setInterval(() => {
    picture.push({ format: "I420", width, height, data, timestampMs: performance.now() });
  }, 100);
  let isPlaying = true;
  (async () => {
    while (isPlaying) await track.write(new PcmChunk(samples, { sampleRate: 48_000 }));
  })().catch(() => {});
  const publish = () => connection.publishTracks({ audio: track, video: picture });
  return {
    ready: publish(),
    publish,
    [Symbol.dispose]: () => {
      isPlaying = false;
      clearInterval(timer);
      picture.close();
      track.close();
    },
  };
}

async function run(options: { baseUrl?: string | undefined; call: string; json: boolean }) {
  const check = new Check({ silent: options.json });
  const settings = { basePath: options.baseUrl };
  // Two edges, so that all audio goes through Stream.
  await using speaking = new GetStreamEdge(settings);
  await using listening = new GetStreamEdge(settings);
  for (const edge of [speaking, listening]) {
    edge.events.subscribe(ErrorEvent, ({ context, error }) => {
      check.errors.push(`${context}: ${error}`);
    });
  }
  const speaker = new MeasuringAgent({ id: "ringline-check-speaker", name: "Check (speaking)" });
  const listener = new MeasuringAgent({ id: "ringline-check-listener", name: "Check (listening)" });

  const known = await check.do("the key and the secret are right", async () => {
    await Promise.all([speaking.authenticate(speaker.user), listening.authenticate(listener.user)]);
    return [true];
  });
  if (!known) return check;
  const call = await check.do<Call>("a call is created", async () => [
    await speaking.createCall(options.call, {
      custom: { purpose: "ringline-check" },
      members: [{ userId: speaker.user.id }, { userId: listener.user.id }],
    }),
  ]);
  if (!call) return check;
  await check.do("the call keeps the application's data", () => {
    const { custom } = call.original as { custom?: Record<string, unknown> };
    if (custom?.purpose !== "ringline-check") throw new Error(`got ${JSON.stringify(custom)}`);
    return [true];
  });
  const first = await check.do("an agent joins", async () => [await speaking.join(speaker, call)]);
  const second = await check.do("a second agent joins", async () => [
    await listening.join(listener, call),
  ]);
  if (!first || !second) return check;
  await check.do("each sees the other as an agent", async () => {
    const seen = await until(() =>
      [...second.participants.values()].find(({ userId }) => userId === speaker.user.id)
    );
    if (seen.kind !== "agent") throw new Error(`expected an agent, got a ${seen.kind}`);
    return [true];
  });
  await check.do("the agent may send audio and video", () => {
    const capabilities = speaking.capabilitiesOf(first);
    const missing = ["send-audio", "send-video"].filter((one) => !capabilities.includes(one));
    if (missing.length > 0) throw new Error(`the call's type does not grant ${missing.join(", ")}`);
    return [true, `${capabilities.length} capabilities`];
  });
  using tone = publishTone(first, speaking);
  await check.do("audio and video are published", async () => [await tone.ready]);
  await check.do("the audio arrives", async () => {
    await until(() => listener.loudAt.length > 100);
    const off = Math.abs(listener.frequency - FREQUENCY) / FREQUENCY;
    if (off > 0.05) {
      throw new Error(`expected ${FREQUENCY} Hz, got ${listener.frequency.toFixed()} Hz`);
    }
    return [true, `${listener.frequency.toFixed()} Hz`];
  });
  await check.do("the video arrives", async () => {
    const info = await until(() =>
      [...second.tracks.values()].find(({ type }) => type === TrackType.VIDEO)
    );
    const track = second.addTrackSubscriber(info.id)!;
    const timer = setTimeout(() => track.close(), 10_000);
    try {
      for await (const { data, width, height } of track) {
        const luma = data[(height >> 1) * width + (width >> 1)]!;
        if (Math.abs(luma - LUMA) < 20) return [true, `${width} x ${height}`];
      }
      throw new Error("no frame arrived");
    } finally {
      clearTimeout(timer);
      track.close();
    }
  });
  await check.do("an agent mutes itself, and is heard again", async () => {
    await first.publishTracks({});
    await until(() => performance.now() - (listener.loudAt.at(-1) ?? 0) > 500);
    const from = performance.now();
    await tone.publish();
    await until(() => (listener.loudAt.at(-1) ?? 0) > from);
    return [true];
  });
  await check.do("video is no larger than it is taken", async () => {
    const info = await until(() =>
      [...second.tracks.values()].find(({ type }) => type === TrackType.VIDEO)
    );
    const track = second.addTrackSubscriber(info.id, { fps: 2, maxWidth: 160, maxHeight: 160 })!;
    const timer = setTimeout(() => track.close(), 10_000);
    try {
      for await (const { width, height } of track) {
        if (width > 160) throw new Error(`got ${width} x ${height}`);
        return [true, `${width} x ${height}`];
      }
      throw new Error("no frame arrived");
    } finally {
      clearTimeout(timer);
      track.close();
    }
  });
  const stream = new StreamClient(
    Deno.env.get("STREAM_API_KEY")!,
    Deno.env.get("STREAM_API_SECRET")!,
    options.baseUrl === undefined ? {} : { basePath: options.baseUrl },
  );
  const moderated = stream.video.call(call.type, call.id);
  const orders: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
    [
      "an agent follows a moderator's mute, and publishes again",
      () =>
        moderated.muteUsers({
          user_ids: [speaker.user.id],
          audio: true,
          muted_by_id: listener.user.id,
        }),
      () => tone.publish(),
    ],
    [
      "an agent is silent without the right to speak, and heard with it",
      () =>
        moderated.updateUserPermissions({
          user_id: speaker.user.id,
          revoke_permissions: ["send-audio"],
        }),
      () =>
        moderated.updateUserPermissions({
          user_id: speaker.user.id,
          grant_permissions: ["send-audio"],
        }),
    ],
  ];
  for (const [what, order, undo] of orders) {
    await check.do(what, async () => {
      const muted: boolean[] = [];
      using _subscription = speaking.events.subscribe(
        AgentMutedEvent,
        (event) => void muted.push(event.muted),
      );
      await order();
      await until(() => muted[0] && performance.now() - (listener.loudAt.at(-1) ?? 0) > 500);
      const from = performance.now();
      await undo();
      await until(() => (listener.loudAt.at(-1) ?? 0) > from);
      return [true];
    });
  }
  await check.do("an agent joins by its user's token alone, and is kicked", async () => {
    const user = { id: "ringline-check-guest", name: "Check (guest)" };
    await using guest = new GetStreamEdge({
      ...settings,
      userToken: (user_id) => stream.generateUserToken({ user_id, validity_in_seconds: 600 }),
    });
    await guest.authenticate(user);
    const third = await guest.join(new MeasuringAgent(user), call);
    await until(() => [...second.participants.values()].some(({ userId }) => userId === user.id));
    await moderated.kickUser({ user_id: user.id, kicked_by_id: listener.user.id });
    const reason = await soon(third.closed);
    if (reason !== "kicked") throw new Error(`expected kicked, got ${reason}`);
    return [true];
  });
  await check.do("a custom event arrives", async () => {
    const from = performance.now();
    const came = Promise.withResolvers<void>();
    using _subscription = listening.events.subscribe(CustomEventReceivedEvent, ({ data }) => {
      if (JSON.stringify(data).includes("ringline-check")) came.resolve();
    });
    await first.sendCustomEvent({ type: "ringline-check" });
    await soon(came.promise);
    return [true, ms(performance.now() - from)];
  });
  await check.do("a conversation is written to the chat", async () => {
    const before = check.errors.length;
    const chat = await speaking.createConversation(call, speaker.user, "");
    const { id } = chat.append({
      role: "assistant",
      userId: speaker.user.id,
      text: "Hello",
      complete: false,
    });
    chat.update(id, { text: "Hello. This is a check.", complete: true });
    await chat.flush();
    const failed = check.errors.slice(before).find((line) =>
      line.startsWith("writing to the chat")
    );
    if (failed) throw new Error(failed);
    return [true];
  });
  const strategies: [string, CallConnection, GetStreamEdge][] = [
    ["the speaker", first, speaking],
    ["the listener", second, listening],
  ];
  for (const [who, connection, edge] of strategies) {
    for (const strategy of ["fast", "rejoin", "migrate"] satisfies ReconnectStrategy[]) {
      await check.do(`${strategy}: ${who} reconnects`, async () => {
        const from = performance.now();
        const signal = AbortSignal.timeout(30_000);
        const event = await edge.reconnect(connection, strategy, { signal });
        await pause(2500);
        const gap = Math.max(0, listener.gapSince(from) - FRAME_MS);
        if (gap > 2000) throw new Error(`silence of ${ms(gap)}`);
        const note = event.strategy === strategy ? "" : `, by ${event.strategy}`;
        return [true, `reconnected after ${ms(event.elapsedMs)}, silence of ${ms(gap)}${note}`];
      });
    }
  }
  await check.do("an agent that leaves is seen to leave", async () => {
    await first.close();
    await until(() =>
      ![...second.participants.values()].some((one) => one.userId === speaker.user.id)
    );
    return [true];
  });
  await check.do("the call's end arrives", async () => {
    const from = performance.now();
    const events: string[] = [];
    using _subscription = listening.events.subscribe(
      StreamCallEvent,
      ({ data }) => void events.push(data.type),
    );
    await listening.endCall(call);
    const reason = await soon(second.closed);
    if (reason !== "call-ended") throw new Error(`expected call-ended, got ${reason}`);
    return [true, `${ms(performance.now() - from)}, ${events.join(", ") || "by the SFU alone"}`];
  });
  await check.do("no media process is left running", async () => {
    await second.close();
    await until(() => !speaking.mediaProcessId && !listening.mediaProcessId);
    return [true];
  });
  return check;
}

function readOptions(args: string[]) {
  return parseArgs({
    args,
    options: {
      "base-url": { type: "string" },
      call: { type: "string", default: `ringline-check-${Date.now()}` },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  }).values;
}

async function main(args: string[]): Promise<number> {
  let values: ReturnType<typeof readOptions>;
  try {
    values = readOptions(args);
  } catch (error) {
    console.error(`getstream:check: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  try {
    const { lines, errors } = await run({
      baseUrl: values["base-url"],
      call: values.call,
      json: values.json,
    });
    const where = values["base-url"] ?? "Stream's cloud";
    if (values.json) console.log(JSON.stringify({ where, lines, errors }, null, 2));
    else {
      console.log(`\nChecked against ${where}, call ${values.call}\n\n${table(lines)}`);
      for (const error of errors) console.log(`survived: ${error}`);
    }
    return lines.every(({ passed }) => passed) ? 0 : 1;
  } catch (error) {
    console.error(`getstream:check: ${error instanceof Error ? error.message : error}`);
    return 2;
  }
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
