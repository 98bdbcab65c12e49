/**
 * The double of Deepgram is first used by Deepgram's own client, then by our adapter: what both send is
 * compared.
 */
import { assert, assertEquals } from "@std/assert";
import { DeepgramClient } from "npm:@deepgram/sdk@5.13.0";
import { deepgramSTT, deepgramTTS } from "../../../src/adapters/deepgram/mod.ts";
import type { SttEvent } from "../../../src/inference/contracts/stt.ts";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { systemClock } from "../../../src/events/clock.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import { until } from "../../fixtures/until.ts";
import { startDeepgram } from "./_double.ts";

const AUDIO = new Uint8Array(32_000); // a second at 16 kHz
const TEXT = "Good day. How are you?";

type Message = { type: string } | ArrayBuffer | Blob;

/** A client of Deepgram's package for an address. */
function official(baseUrl: string): DeepgramClient {
  const ws = baseUrl.replace("http", "ws");
  const environment = { base: baseUrl, production: ws, agent: ws, agentRest: baseUrl };
  return new DeepgramClient({ apiKey: "key", environment });
}

/** Opens a socket of the package, and collects what comes. */
// deno-lint-ignore no-explicit-any
async function opened(socket: any): Promise<Message[]> {
  const messages: Message[] = [];
  socket.on("message", (message: Message) => messages.push(message));
  socket.connect();
  await socket.waitForOpen();
  return messages;
}

function types(messages: readonly Message[]): string[] {
  const isAudio = (one: Message) => one instanceof Blob || one instanceof ArrayBuffer;
  return messages.map((one) => isAudio(one) ? "audio" : (one as { type: string }).type);
}

async function events(options: Parameters<typeof deepgramSTT>[0]): Promise<SttEvent[]> {
  const session = deepgramSTT(options).open({
    speakerId: "ann",
    sampleRate: 16_000,
    continuous: true,
    clock: systemClock,
    logger: silentLogger,
  });
  const all: SttEvent[] = [];
  const reading = (async () => {
    for await (const event of session) all.push(event);
  })();
  for (let n = 0; n < 50; n++) {
    session.sendAudio(new PcmChunk(new Int16Array(320), { sampleRate: 16_000 }));
  }
  session.commit();
  await until("the commit", () => all.some(({ type }) => type === "committed"));
  session.end();
  await reading;
  return all;
}

const LEAVES_TIMERS = { sanitizeOps: false, sanitizeResources: false };

Deno.test({
  name: "Nova by Deepgram's client and by deepgramSTT: the same is sent and understood",
  ...LEAVES_TIMERS,
  async fn() {
    await using service = await startDeepgram([{ text: TEXT }]);
    const args = { model: "nova-3", encoding: "linear16", sample_rate: 16_000 } as const;
    const socket = await official(service.baseUrl).listen.v1.connect({
      ...args,
      interim_results: "true",
      vad_events: "true",
      reconnectAttempts: 0,
      Authorization: "Token key",
    });
    const messages = await opened(socket);
    const [theirs] = [...service.connections];
    socket.sendMedia(AUDIO);
    socket.sendFinalize({ type: "Finalize" });
    await until("results", () => types(messages).filter((one) => one === "Results").length === 2);
    socket.sendKeepAlive({ type: "KeepAlive" });
    socket.sendCloseStream({ type: "CloseStream" });
    await until("the end", () => types(messages).includes("Metadata"));
    assertEquals(types(messages), ["SpeechStarted", "Results", "Results", "Metadata"]);
    socket.close();
    const sent = service.received.splice(0);

    const options = { apiKey: "key", baseUrl: service.baseUrl, model: "nova-3" };
    let ours: typeof theirs;
    const watching = until("ours", () => (ours = [...service.connections].at(-1)) !== undefined);
    const [all] = await Promise.all([events(options), watching]);
    assertEquals(all.map(({ type }) => type), [
      "speech-started",
      "transcript",
      "transcript",
      "committed",
    ]);
    const final = all[2] as Extract<SttEvent, { type: "transcript" }>;
    assertEquals([final.text, final.final, final.words?.length], [TEXT, true, 5]);
    assertEquals(ours!.headers.authorization, theirs!.headers.authorization);
    for (const [name, value] of theirs!.url.searchParams) {
      assertEquals(ours!.url.searchParams.get(name), value, name);
    }
    assert(service.received.length > 0);
    const known = sent.map((one) => JSON.stringify(one));
    for (const one of service.received) {
      assert(known.includes(JSON.stringify(one)), `unknown to the package: ${JSON.stringify(one)}`);
    }
  },
});

Deno.test({
  name: "Flux by Deepgram's client and by deepgramSTT: the same is sent and understood",
  ...LEAVES_TIMERS,
  async fn() {
    await using service = await startDeepgram([{ text: TEXT }]);
    const socket = await official(service.baseUrl).listen.v2.connect({
      model: "flux-general-en",
      encoding: "linear16",
      sample_rate: 16_000,
      eager_eot_threshold: 0.5,
      reconnectAttempts: 0,
      Authorization: "Token key",
    });
    const messages = await opened(socket);
    const [theirs] = [...service.connections];
    socket.sendMedia(AUDIO);
    socket.sendForceEndTurn({ type: "ForceEndTurn" });
    await until("a turn", () => types(messages).length === 5);
    socket.sendCloseStream({ type: "CloseStream" });
    await until("the end", () => service.connections.size === 0);
    assertEquals(types(messages), ["Connected", "TurnInfo", "TurnInfo", "TurnInfo", "TurnInfo"]);
    socket.close();
    const sent = service.received.splice(0);

    let ours: typeof theirs;
    const watching = until("ours", () => (ours = [...service.connections].at(-1)) !== undefined);
    const model = "flux-general-en";
    const options = {
      apiKey: "key",
      baseUrl: service.baseUrl,
      model,
      eagerEndOfTurnThreshold: 0.5,
    };
    const [all] = await Promise.all([events(options), watching]);
    assertEquals(all.map(({ type }) => type), [
      "speech-started",
      "transcript",
      "transcript",
      "transcript",
      "eager-turn-ended",
      "transcript",
      "turn-ended",
      "committed",
    ]);
    for (const [name, value] of theirs!.url.searchParams) {
      assertEquals(ours!.url.searchParams.get(name), value, name);
    }
    const known = sent.map((one) => JSON.stringify(one));
    for (const one of service.received) {
      assert(known.includes(JSON.stringify(one)), `unknown to the package: ${JSON.stringify(one)}`);
    }
  },
});

Deno.test({
  name: "Aura by Deepgram's client and by deepgramTTS: the same is sent and heard",
  ...LEAVES_TIMERS,
  async fn() {
    await using service = await startDeepgram([{ audioMs: 100 }]);
    const socket = await official(service.baseUrl).speak.v1.connect({
      model: "aura-2-thalia-en",
      encoding: "linear16",
      sample_rate: "24000" as never,
      reconnectAttempts: 0,
      Authorization: "Token key",
    });
    const messages = await opened(socket);
    const [theirs] = [...service.connections];
    socket.sendText({ type: "Speak", text: TEXT });
    socket.sendFlush({ type: "Flush" });
    await until("the end of the sound", () => types(messages).includes("Flushed"));
    socket.sendClear({ type: "Clear" });
    await until("the clear", () => types(messages).includes("Cleared"));
    socket.sendClose({ type: "Close" });
    await until("the end", () => service.connections.size === 0);
    socket.close();
    const sent = service.received.splice(0) as { type: string }[];
    assert(types(messages).filter((one) => one === "audio").length > 0);

    const session = deepgramTTS({ apiKey: "key", baseUrl: service.baseUrl }).open({
      clock: systemClock,
      logger: silentLogger,
    });
    const stream = session.speak();
    stream.sendText(TEXT);
    stream.end();
    let ms = 0;
    for await (const { pcm } of stream) ms += pcm?.durationMs ?? 0;
    assertEquals(ms, 200, "both phrases");
    const ours = [...service.connections].at(-1)!;
    for (const [name, value] of theirs!.url.searchParams) {
      assertEquals(ours.url.searchParams.get(name), value, name);
    }
    for (const { type } of service.received as { type: string }[]) {
      assert(sent.some((one) => one.type === type), `unknown to the package: ${type}`);
    }
    await session[Symbol.asyncDispose]();
  },
});

Deno.test({
  name: "a voice of Flux by Deepgram's client and by deepgramTTS: the same is sent and heard",
  ...LEAVES_TIMERS,
  async fn() {
    await using service = await startDeepgram([{ audioMs: 100 }]);
    const socket = await official(service.baseUrl).speak.v2.connect({
      model: "flux-alexis-en",
      encoding: "linear16",
      sample_rate: "24000",
      reconnectAttempts: 0,
      Authorization: "Token key",
    });
    const messages = await opened(socket);
    const [theirs] = [...service.connections];
    socket.sendSpeak({ type: "Speak", text: TEXT });
    socket.sendFlush({ type: "Flush" });
    await until("the end of the sound", () => types(messages).includes("Flushed"));
    socket.sendSpeak({ type: "Speak", text: TEXT });
    socket.sendInterrupt({ type: "Interrupt" });
    await until("the interruption", () => types(messages).includes("SpeechInterrupted"));
    socket.sendClose({ type: "Close" });
    await until("the end", () => service.connections.size === 0);
    socket.close();
    const sent = service.received.splice(0) as { type: string }[];
    const heard = types(messages).filter((one, n, all) => one !== "audio" || all[n - 1] !== one);
    assertEquals(heard.slice(0, 5), [
      "Connected",
      "SpeechStarted",
      "audio",
      "SpeechMetadata",
      "Flushed",
    ]);

    const options = { apiKey: "key", baseUrl: service.baseUrl, model: "flux-alexis-en" };
    await using session = deepgramTTS(options).open({ clock: systemClock, logger: silentLogger });
    const stream = session.speak();
    stream.sendText(TEXT);
    stream.flush();
    stream.sendText(" I am well, and");
    stream.sendText(" you");
    stream.end();
    let ms = 0;
    for await (const { pcm } of stream) ms += pcm?.durationMs ?? 0;
    assertEquals(ms, 300, "two sentences, and after the flush another turn");
    const ours = [...service.connections].at(-1)!;
    assertEquals(ours.headers.authorization, theirs!.headers.authorization);
    for (const [name, value] of theirs!.url.searchParams) {
      assertEquals(ours.url.searchParams.get(name), value, name);
    }
    for (const { type } of service.received as { type: string }[]) {
      assert(sent.some((one) => one.type === type), `unknown to the package: ${type}`);
    }
  },
});

for (const when of ["before its sound", "in it", "with a turn behind it"]) {
  Deno.test({
    name: `a voice of Flux that is interrupted ${when} speaks the next text on the same connection`,
    ...LEAVES_TIMERS,
    async fn() {
      const beforeMs = when === "before its sound" ? 50 : 0;
      await using service = await startDeepgram([{ audioMs: 2000, gapMs: 5, beforeMs }]);
      const options = { apiKey: "key", baseUrl: service.baseUrl, model: "flux-alexis-en" };
      await using session = deepgramTTS(options).open({ clock: systemClock, logger: silentLogger });
      const stream = session.speak();
      stream.sendText("This is interrupted. ");
      if (when !== "before its sound") { for await (const { pcm } of stream) if (pcm) break; }
      if (when === "with a turn behind it") {
        stream.flush();
        stream.sendText("It waits. ");
      }
      await until("the socket", () => service.received.length > 0);
      stream.cancel();
      const next = session.speak();
      next.sendText("Hello. ");
      next.end();
      let ms = 0;
      for await (const { pcm } of next) ms += pcm?.durationMs ?? 0;
      assertEquals(ms, 2000, "its own sound, and no other's");
      assertEquals(service.requests, 1);
    },
  });
}

for (const model of ["nova-3", "flux-general-en"]) {
  Deno.test({
    name: `a session of ${model} that the service ends in silence, with an error, goes on`,
    ...LEAVES_TIMERS,
    async fn() {
      await using service = await startDeepgram([{ text: TEXT }]);
      const stt = deepgramSTT({ apiKey: "key", baseUrl: service.baseUrl, model });
      const session = stt.open({
        speakerId: "ann",
        sampleRate: 16_000,
        continuous: false,
        clock: systemClock,
        logger: silentLogger,
      });
      await using _session = session;
      const all: SttEvent[] = [];
      const reading = (async () => {
        for await (const event of session) all.push(event);
      })();
      const say = async (count: number) => {
        session.sendAudio(new PcmChunk(new Int16Array(8000), { sampleRate: 16_000 }));
        session.commit();
        const committed = () => all.filter(({ type }) => type === "committed").length;
        await until("the text", () => committed() === count);
      };
      await say(1);
      const { socket } = [...service.connections][0]!;
      const description = "did not receive audio data within the timeout window";
      const code = "NET-0001";
      socket.send(JSON.stringify({ type: "Error", sequence_id: 9, code, description }));
      socket.close(1011, code);
      await until("the end", () => service.connections.size === 0);
      await say(2);
      session.end();
      await reading;
      const finals = all.filter((one) => one.type === "transcript" && one.final);
      assertEquals([finals.length, service.requests], [2, 2]);
    },
  });
}
