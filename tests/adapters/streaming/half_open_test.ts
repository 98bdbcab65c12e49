/** Speech over sockets whose network is gone: they stay open, and nothing comes through. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { cartesiaTTS } from "../../../src/adapters/cartesia/mod.ts";
import { deepgramSTT } from "../../../src/adapters/deepgram/mod.ts";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import type { SttEvent } from "../../../src/inference/contracts/stt.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { until } from "../../fixtures/until.ts";
import { LossyProxy } from "../_lossy_proxy.ts";
import { startCartesia } from "../cartesia/_double.ts";
import { startDeepgram } from "../deepgram/_double.ts";

const INTERVAL_MS = 4000;
const apiKey = "key";
const baseUrlOf = (proxy: LossyProxy) => proxy.baseUrl.replace("/v1", "");

Deno.test("a recogniser whose network is gone is lost within twelve seconds, and not before", async () => {
  await using service = await startDeepgram([{ text: "Hello." }]);
  await using proxy = new LossyProxy(service);
  const clock = new VirtualClock();
  const stt = deepgramSTT({ apiKey, baseUrl: baseUrlOf(proxy) });
  const options = { speakerId: "ann", sampleRate: 16_000, continuous: false };
  await using session = stt.open({ ...options, clock, logger: silentLogger });
  const events: SttEvent[] = [];
  const reading = (async () => {
    for await (const event of session) events.push(event);
  })();
  reading.catch(() => {});
  const speak = () => session.sendAudio(new PcmChunk(new Int16Array(320), { sampleRate: 16_000 }));
  speak();
  await until("the service hears it", () => events.length === 1);
  const [{ socket }] = [...service.connections] as [
    typeof service.connections extends Set<infer C> ? C : never,
  ];
  // A service that says something is there.
  for (let n = 0; n < 5; n++) {
    await clock.advance(INTERVAL_MS);
    socket.send(JSON.stringify({ type: "SpeechStarted", channel: [0, 1], timestamp: n }));
    await until("a sign of life", () => events.length === 2 + n);
  }
  proxy.lose();
  await clock.advance(2 * INTERVAL_MS);
  speak();
  await clock.advance(INTERVAL_MS);
  await assertRejects(() => reading, InferenceError, "the service sent nothing for 12000 ms");
});

Deno.test("a voice whose network is gone speaks the next text on another connection", async () => {
  await using service = await startCartesia([{ audioMs: 100 }]);
  await using proxy = new LossyProxy(service);
  const clock = new VirtualClock();
  const tts = cartesiaTTS({ apiKey, baseUrl: baseUrlOf(proxy), voice: "v" });
  await using session = tts.open({ clock, logger: silentLogger });
  const speak = async (text: string) => {
    const stream = session.speak();
    stream.sendText(text);
    stream.end();
    let ms = 0;
    for await (const { pcm } of stream) ms += pcm?.durationMs ?? 0;
    return ms;
  };
  assertEquals(await speak("Hello."), 100);
  proxy.lose();
  const second = speak("Are you there?");
  await clock.advance(3 * INTERVAL_MS);
  // Nothing of it was heard: it is spoken from its beginning.
  assertEquals(await second, 100);
  assert(service.requests >= 2);
});
