/** The sound of a shared screen reaches the processors that want it, and is no speech. */
import { assert, assertEquals } from "@std/assert";
import { Agent } from "../../src/agent/agent.ts";
import type { Processor } from "../../src/agent/processor.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { TrackType } from "../../src/edge/types.ts";
import {
  BargeInEvent,
  OverlappingSpeechEvent,
  SpeechStartedEvent,
  SpeechStoppedEvent,
} from "../../src/inference/contracts/events.ts";
import { energyVad } from "../../src/inference/vad/energy_vad.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import type { MemoryParticipant } from "../../src/testing/memory_participant.ts";
import { speechLike } from "../../src/testing/sounds.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

const RATE = 48_000;
const film = speechLike(1000, { seed: 9, sampleRate: RATE });

/** Plays a voice out of a shared screen for so long, in real time. */
async function watch(anna: MemoryParticipant, clock: VirtualClock, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 20) {
    const from = at % 1000 * RATE / 1000;
    const samples = film.samples.subarray(from, from + RATE / 50);
    anna.sendScreenAudio(new PcmChunk(samples, { sampleRate: RATE }));
    await clock.advance(20);
  }
}

Deno.test("the sound of a screen neither interrupts an agent nor makes it reply", async () => {
  const clock = new VirtualClock();
  await using edge = new MemoryEdge({ clock });
  const heard = { voices: 0, screens: 0 };
  const asked: unknown[] = [];
  const listener: Processor = {
    name: "listener",
    processAudio: () => void heard.voices++,
    processScreenAudio: ({ participant, trackId }) => {
      assertEquals(participant.userId, "anna");
      assertEquals(agent.connection!.tracks.get(trackId)?.type, TrackType.SCREEN_SHARE_AUDIO);
      heard.screens++;
    },
  };
  const agent = new Agent({
    edge,
    clock,
    agentUser: { id: "agent", name: "Agent" },
    llm: new FakeLLM(clock, ["Well."]),
    stt: new FakeSTT(clock, ["What?"]),
    tts: new FakeTTS(clock),
    vad: energyVad(),
    processors: [listener],
    speakerFilter: {
      passes: (audio) => {
        asked.push(audio.trackId);
        return true;
      },
    },
  });
  const events: string[] = [];
  using _events = agent.events.subscribe(
    [BargeInEvent, OverlappingSpeechEvent, SpeechStartedEvent],
    ({ type }) => void events.push(type),
  );
  const call = await agent.createCall("default", "film");
  const anna = edge.enter(call, { userId: "anna" });
  await clock.until(agent.join(call));
  const said = agent.say("This is a long sentence that nothing in the film may interrupt.");
  await watch(anna, clock, 2000);
  assertEquals((await clock.until(said)).interrupted, false);
  assertEquals(events, []);
  assertEquals([heard, asked], [{ voices: 0, screens: 100 }, []]);

  // The same person's voice has a ring of its own, and means something.
  const speaking = anna.speak(speechLike(800, { seed: 3, sampleRate: RATE }));
  await watch(anna, clock, 1000);
  await clock.until(speaking);
  assert(events.includes("speech-started"), `${events}`);
  assert(heard.voices >= 40, `${heard.voices}`);
  assertEquals(heard.screens, 150);
  await clock.until(agent.close());
});

Deno.test("the sound of a screen opens no ring where no processor receives it", async () => {
  const clock = new VirtualClock();
  await using edge = new MemoryEdge({ clock });
  let voices = 0;
  const agent = new Agent({
    edge,
    clock,
    agentUser: { id: "agent", name: "Agent" },
    onAudio: () => void voices++,
  });
  const call = await agent.createCall("default", "film");
  const anna = edge.enter(call, { userId: "anna" });
  await clock.until(agent.join(call));
  await watch(anna, clock, 200);
  assertEquals([voices, agent.droppedSlots], [0, 0]);
  await clock.until(agent.close());
});

Deno.test("a camera, a screen or its sound that ends is no end of what the person says", async () => {
  const clock = new VirtualClock();
  await using edge = new MemoryEdge({ clock });
  const agent = new Agent({
    edge,
    clock,
    agentUser: { id: "agent", name: "Agent" },
    llm: new FakeLLM(clock, ["Well."]),
    stt: new FakeSTT(clock, ["What?"]),
    tts: new FakeTTS(clock),
    vad: energyVad(),
  });
  const events: string[] = [];
  using _events = agent.events.subscribe(
    [SpeechStartedEvent, SpeechStoppedEvent],
    ({ type }) => void events.push(type),
  );
  const call = await agent.createCall("default", "camera");
  const anna = edge.enter(call, { userId: "anna" });
  await clock.until(agent.join(call));
  const camera = anna.publishVideo();
  const speaking = anna.speak(speechLike(2000, { seed: 3, sampleRate: RATE }));
  await clock.advance(1000);
  assertEquals(events, ["speech-started"]);
  camera.mute();
  camera.remove();
  await clock.advance(600);
  assertEquals(events, ["speech-started"]);
  await clock.until(speaking);
  await clock.until(agent.close());
});
