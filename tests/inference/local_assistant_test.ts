/** The assistant without a key, with recorded sound. */
import { delay } from "@std/async/delay";
import { hasRecogniser, spoken } from "../fixtures/offline_speech.ts";
import { assert, assertEquals } from "@std/assert";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { ErrorEvent } from "../../src/edge/events.ts";
import {
  AgentSpeechStartedEvent,
  BargeInEvent,
  ReplyLatencyEvent,
} from "../../src/inference/contracts/events.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import type { MemoryParticipant } from "../../src/testing/memory_participant.ts";
import { EspeakVoice } from "../../examples/lib/espeak_voice.ts";
import { until } from "../fixtures/until.ts";
import { localAssistant } from "../../examples/local_assistant.ts";

/** Says a sentence with a voice, and is silent after it as a microphone is. */
async function say(party: MemoryParticipant, voice: EspeakVoice, text: string): Promise<void> {
  party.speak(await spoken(voice, text));
  party.speak(new PcmChunk(new Int16Array(16_000 * 3), { sampleRate: 16_000 }));
}

Deno.test({
  name: "the assistant without a key is asked, answers, is interrupted, and knows what was heard",
  ignore: !hasRecogniser(),
  async fn() {
    const edge = new MemoryEdge();
    const errors: unknown[] = [];
    edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(error));
    const agent = localAssistant(edge);
    const voice = new EspeakVoice();
    await voice.start();
    const call = await agent.createCall("default", "kitchen");
    const ann = edge.enter(call, { userId: "ann" });
    await agent.join(call);
    const answers: ReplyLatencyEvent[] = [];
    let bargeIns = 0, speeches = 0;
    agent.events.subscribe(ReplyLatencyEvent, (event) => void answers.push(event));
    agent.events.subscribe(BargeInEvent, () => void bargeIns++);
    agent.events.subscribe(AgentSpeechStartedEvent, () => void speeches++);
    const last = () => agent.conversation!.messages.at(-1);

    await say(ann, voice, "what time is it");
    await until("an answer", () => last()?.role === "assistant" && last()!.complete);
    assert(/^It is \d+:\d+ [AP]M\.$/.test(last()!.text), last()!.text);

    await say(ann, voice, "tell me a story");
    await until("a story", () => speeches === 2);
    await delay(1500);
    await say(ann, voice, "stop it");
    await until("an interruption", () => bargeIns === 1);
    const story = agent.conversation!.messages.find(({ interrupted }) => interrupted)!;
    assert(story.text.startsWith("Once upon a time"), story.text);
    assert(!story.text.includes("end of the story"), story.text);

    await delay(1500);
    await say(ann, voice, "what did you say");
    await until("an answer", () => last()?.role === "assistant" && last()!.complete);
    assertEquals(last()!.text, `I said: ${story.text}`);

    for (const { overheadMs } of answers) {
      assert(overheadMs <= 100, `our own part is ${overheadMs} ms`);
    }
    assertEquals(errors, []);
    voice.close();
    await agent.close();
    await edge.close();
  },
});
