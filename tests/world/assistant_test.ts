/** The assistant without a key, talked to from a real browser. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { Agent } from "@ringline/edge";
import {
  AgentSpeechStartedEvent,
  BargeInEvent,
  OverlappingSpeechEvent,
  ReplyLatencyEvent,
  silentLogger,
} from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { delay } from "@std/async/delay";
import { EspeakVoice } from "../../examples/lib/espeak_voice.ts";
import { localAssistant } from "../../examples/local_assistant.ts";
import { hasRecogniser, spoken } from "../fixtures/offline_speech.ts";
import { browserTest, Guest, until } from "../e2e/_fixture.ts";
import { levelDb } from "../e2e/_signal.ts";

/** Says sentences in the page, with a voice. */
function speaker(guest: Guest, voice: EspeakVoice): (text: string) => Promise<void> {
  return async (text) => {
    const { samples, sampleRate } = await spoken(voice, text);
    const bytes = new Uint8Array(samples.buffer);
    await guest.run("speak", [bytes.toBase64(), sampleRate, 1]);
  };
}

async function call(
  body: (agent: Agent, link: URL, voice: EspeakVoice) => Promise<void>,
): Promise<void> {
  using resources = new DisposableStack();
  const voice = resources.adopt(new EspeakVoice(), (one) => one.close());
  await voice.start();
  await using edge = new LocalEdge({ logger: silentLogger });
  const agent = localAssistant(edge);
  const call = await agent.createCall("default", "assistant");
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
  await body(agent, await edge.callLink(call), voice);
}

browserTest(
  "the assistant replies to a browser, can be interrupted, and knows what was heard",
  async (browser) => {
    await call(async (agent, link, voice) => {
      const guest = await Guest.join(browser, link, { name: "Ada" });
      const say = speaker(guest, voice);
      const answers: ReplyLatencyEvent[] = [];
      let bargeIns = 0, speeches = 0;
      agent.events.subscribe(ReplyLatencyEvent, (event) => void answers.push(event));
      agent.events.subscribe(BargeInEvent, () => void bargeIns++);
      agent.events.subscribe(AgentSpeechStartedEvent, () => void speeches++);
      const last = () => agent.conversation!.messages.at(-1);
      const answered = () => last()?.role === "assistant" && last()!.complete;

      await say("what time is it");
      await until("an answer", answered);
      assert(/^It is \d+:\d+ [AP]M\.$/.test(last()!.text), last()!.text);

      await say("tell me a story");
      await until("the story begins", () => speeches === 2);
      await delay(2500);
      await say("stop it");
      await until("the interruption", () => bargeIns === 1);
      // How fast is for the benchmark to say, on a machine of its own.
      await until("silence", async () => levelDb((await guest.hear(500)).samples) < -50);
      const story = agent.conversation!.messages.find(({ interrupted }) => interrupted)!;
      assert(story.text.startsWith("Once upon a time"), story.text);
      assert(!story.text.includes("end of the story"), story.text);

      await delay(1500);
      await say("what did you say");
      await until("an answer", answered);
      assertEquals(last()!.text, `I said: ${story.text}`);

      // The page shows all of it.
      const shown = (await guest.events("event")).map(({ data }) => data)
        .filter(({ type, complete }) => type === "transcript" && complete)
        .map(({ text }) => text);
      assert(shown.includes("what time is it") && shown.includes(story.text), shown.join(" | "));
      for (
        const {
          voiceToVoiceMs,
          endOfTurnDelayMs,
          transcriptionDelayMs,
          llmMs,
          ttfbMs,
          playoutMs,
          overheadMs,
        } of answers
      ) {
        const parts = endOfTurnDelayMs + transcriptionDelayMs + llmMs + ttfbMs + playoutMs +
          overheadMs;
        assertAlmostEquals(parts, voiceToVoiceMs, 1, "the parts of voice-to-voice");
      }
      await guest.leave();
    });
  },
  { ignore: !hasRecogniser() },
);

browserTest(
  "the assistant with a loudspeaker says each reply once, and can be interrupted",
  async (browser) => {
    await call(async (agent, link, voice) => {
      const guest = await Guest.join(browser, link, { name: "Ada" });
      const say = speaker(guest, voice);
      let bargeIns = 0, suspected = 0, speeches = 0;
      agent.events.subscribe(BargeInEvent, () => void bargeIns++);
      agent.events.subscribe(OverlappingSpeechEvent, () => void suspected++);
      agent.events.subscribe(AgentSpeechStartedEvent, () => void speeches++);
      // 20 dB down, 150 ms late.
      await guest.run("turnUpLoudspeaker", [0.1, 150]);

      for (const question of ["tell me a joke", "what can you do"]) {
        const before = agent.conversation!.messages.length;
        await say(question);
        const answer = await until("an answer", () => {
          const message = agent.conversation!.messages[before + 1];
          return message?.role === "assistant" && message.complete && message;
        });
        assertEquals(answer.interrupted ?? false, false, answer.text);
        // Whatever it takes itself for would be a turn by now.
        await delay(1500);
        assertEquals(agent.conversation!.messages.length, before + 2, "it answered itself");
      }
      assertEquals([bargeIns, suspected], [0, 0]);

      await say("tell me a story");
      await until("the story begins", () => speeches === 3);
      await delay(2000);
      await say("stop it");
      await until("it falls silent", () => suspected > 0);
      // The recogniser hears the echo too, and may take it for something else: then it is said again.
      await until("the interruption", async () => {
        await delay(2000);
        if (bargeIns === 0) await say("stop it");
        return bargeIns === 1;
      });
      const story = agent.conversation!.messages.find(({ interrupted }) => interrupted)!;
      assert(story.text.startsWith("Once upon a time"), story.text);
      await guest.leave();
    });
  },
  { ignore: !hasRecogniser() },
);
