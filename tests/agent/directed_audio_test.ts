/** An agent's audio for one participant: who hears it, who interrupts it, and who reads it. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Agent } from "../../src/agent/agent.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { EdgeError } from "../../src/edge/errors.ts";
import type { Participant } from "../../src/edge/types.ts";
import { BargeInEvent, OverlappingSpeechEvent } from "../../src/inference/contracts/events.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { tone } from "../../src/testing/sounds.ts";
import { Fixture } from "../inference/_fixture.ts";

const PEOPLE = ["ann", "bert"];
const LONG = "This is a sentence that takes a while to be said, as it has many words.";

/** To 50 ms: resampling adds the length of its filter to an utterance. */
function rounded(...durationsMs: number[]): number[] {
  return durationsMs.map((ms) => Math.round(ms / 50) * 50);
}

/** An agent in a call of two people, to whom it may speak one by one. */
async function set(options: Parameters<typeof Fixture.set>[0] = {}) {
  const fixture = await Fixture.set({ people: PEOPLE, ...options });
  const [ann, bert] = fixture.people as [typeof fixture.ann, typeof fixture.ann];
  const whisper = (to = ann) => fixture.agent.createAudioTrack({ to: to.participant });
  return { fixture, ann, bert, whisper, clock: fixture.clock, agent: fixture.agent };
}

Deno.test("an audio track to one participant is heard by them alone, beside the agent's voice", async () => {
  const { fixture, ann, bert, whisper, clock, agent } = await set();
  await using _ = fixture;
  const track = whisper();
  await clock.until(track.write(tone(500), { final: true }));
  await clock.until(track.drain());
  assertEquals(rounded(ann.heardMs, bert.heardMs, track.playedMs), [500, 0, 500]);
  const both = [track.write(tone(300), { final: true }), agent.audio.write(tone(200))];
  await clock.until(Promise.all(both));
  await clock.until(Promise.all([track.drain(), agent.audio.drain()]));
  assertEquals(rounded(ann.heardMs, bert.heardMs), [1000, 200]);
  track.close();
  await assertRejects(() => track.write(tone(10)), EdgeError, "closed");
  assertEquals(fixture.errors, []);
});

Deno.test("other agents do not hear what an agent says to one participant", async () => {
  const { fixture, clock, whisper, agent } = await set();
  await using _ = fixture;
  let heardMs = 0;
  const curious = new Agent({
    edge: fixture.edge,
    agentUser: { id: "curious", name: "Curious" },
    hearsAgents: true,
    onAudio: ({ pcm }) => void (heardMs += pcm.durationMs),
  });
  await clock.until(curious.join(fixture.call));
  const track = whisper();
  await clock.until(track.write(tone(500), { final: true }));
  await clock.until(track.drain());
  assertEquals(heardMs, 0);
  await clock.until(agent.audio.write(tone(100), { final: true }));
  await clock.until(agent.audio.drain());
  assertEquals(rounded(heardMs), [100]);
  await clock.until(curious.close());
});

Deno.test("an audio track to a participant goes on when they come back, and ends when they leave", async () => {
  const { fixture, ann, bert, whisper, clock } = await set();
  await using _ = fixture;
  const track = whisper();
  ann.loseNetwork();
  await clock.until(track.write(tone(300), { final: true }));
  await clock.until(track.drain());
  assertEquals(ann.heardMs, 0);
  ann.regainNetwork();
  await clock.until(track.write(tone(400), { final: true }));
  await clock.until(track.drain());
  assertEquals(rounded(ann.heardMs, bert.heardMs), [400, 0]);
  ann.leave();
  await clock.advance(20);
  await assertRejects(() => track.write(tone(10)), EdgeError, "closed");
  const error = assertThrows(() => whisper(), EdgeError, '"ann" is not in the call');
  assertEquals(error.code, "participant-left");
  assertEquals(fixture.errors, []);
});

Deno.test("createAudioTrack names what is wrong", async () => {
  const { fixture, ann, agent, clock } = await set();
  await using _ = fixture;
  const to = ann.participant;
  const wrong: [object, string][] = [
    [{}, "options.to: expected a person"],
    [{ to: "ann" }, 'to: expected a person of connection.participants, got "ann"'],
    [{ to: { ...to, kind: "agent" } }, 'got the agent "ann"'],
    [{ to, othersGain: "low" }, 'othersGain: expected a number from 0 to 1, got "low"'],
    [{ to, othersGain: 2 }, "othersGain: expected a number from 0 to 1, got 2"],
    [{ to, mode: "loud" }, "mode: expected"],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => agent.createAudioTrack(options as { to: Participant }), Error, message);
  }
  const early = new Agent({ edge: fixture.edge, agentUser: { id: "early", name: "Early" } });
  assertThrows(() => early.createAudioTrack({ to }), TypeError, "has not joined");
  await clock.until(early.close());
  // All would hear it.
  const track = fixture.edge.createAudioTrack({ to });
  const publishing = fixture.edge.publishTracks({ audio: track });
  await assertRejects(() => publishing, TypeError, 'only "ann" is to hear this track');
  track.close();
  const said = agent.say("Hm.", { track: agent.audio });
  await assertRejects(
    () => said,
    TypeError,
    "say: track: expected a track of agent.createAudioTrack",
  );
});

Deno.test("an edge whose participants all hear the same refuses a track to one", async () => {
  class Broadcast extends MemoryEdge {
    override get supportsDirectedAudio(): boolean {
      return false;
    }
  }
  await using edge = new Broadcast();
  const to: Participant = { original: undefined, userId: "a", id: "a", name: "A", kind: "person" };
  assertThrows(
    () => edge.createAudioTrack({ to }),
    TypeError,
    "Broadcast cannot play audio to one participant: write to agent.audio",
  );
});

Deno.test("a speech to one participant is interrupted by them, and not by the other", async () => {
  for (const [who, isInterrupted] of [[0, true], [1, false]] as const) {
    const { fixture, ann, bert, whisper, clock, agent } = await set({
      transcripts: { ann: ["Wait a moment."], bert: ["What a day."] },
      agent: { turnHandling: { shouldReply: () => false } },
    });
    await using _ = fixture;
    const said = agent.say(LONG, { track: whisper() });
    await clock.advance(1000);
    fixture.utter(800, 1500, fixture.people[who]);
    const { text, interrupted } = await clock.until(said);
    assertEquals([interrupted, text === LONG], [isInterrupted, !isInterrupted]);
    const overlaps = [fixture.events(OverlappingSpeechEvent), fixture.events(BargeInEvent)]
      .map(({ length }) => length);
    assertEquals(overlaps, isInterrupted ? [1, 1] : [0, 0]);
    assertEquals(bert.heardMs, 0);
    assert(isInterrupted ? ann.heardMs < 2500 : ann.heardMs >= 50 * LONG.length - 50);
    assertEquals(fixture.errors, []);
  }
});

Deno.test("who interrupts a speech to them leaves what waits for the other to be said", async () => {
  const { fixture, ann, bert, whisper, clock, agent } = await set({
    transcripts: { ann: ["Wait a moment."] },
    agent: { turnHandling: { shouldReply: () => false } },
  });
  await using _ = fixture;
  const first = agent.say(LONG, { track: whisper(ann) });
  const second = agent.say("This is for you.", { track: whisper(bert) });
  const third = agent.say("And this is for all.");
  await clock.advance(1000);
  fixture.utter(800, 1500, ann);
  const [one, two, three] = await clock.until(Promise.all([first, second, third]));
  assertEquals([one.interrupted, two, three.text], [
    true,
    { text: "This is for you.", interrupted: false },
    "",
  ]);
  assertEquals(rounded(bert.heardMs), [800]);
});

Deno.test("what is said to one participant waits for no other who speaks", async () => {
  const { fixture, ann, bert, whisper, clock, agent } = await set({
    transcripts: { bert: ["This goes on and on."] },
    agent: { turnHandling: { shouldReply: () => false } },
  });
  await using _ = fixture;
  fixture.utter(4000, 1000, bert);
  await clock.advance(1000);
  const said = agent.say("Listen.", { track: whisper() });
  await clock.advance(800);
  assertEquals(rounded(ann.heardMs, bert.heardMs), [350, 0]);
  assertEquals(await clock.until(said), { text: "Listen.", interrupted: false });
});

Deno.test("a speech to a participant who leaves ends, and the next is said", async () => {
  const { fixture, ann, bert, whisper, clock, agent } = await set();
  await using _ = fixture;
  const track = whisper();
  const first = agent.say(LONG, { track });
  const second = agent.say("Hello all.");
  await clock.advance(1000);
  ann.leave();
  const [one, two] = await clock.until(Promise.all([first, second]));
  assertEquals([one.interrupted, two], [true, { text: "Hello all.", interrupted: false }]);
  assertEquals(await clock.until(agent.say("Are you there?", { track })), {
    text: "",
    interrupted: true,
  });
  assertEquals([rounded(bert.heardMs), fixture.errors], [[500], []]);
});

Deno.test("the transcript says who alone heard a speech, a reply and its prompt", async () => {
  const { fixture, ann, whisper, clock, agent } = await set({ replies: ["Hello yourself."] });
  await using _ = fixture;
  const track = whisper();
  await clock.until(agent.say("Psst.", { track }));
  await clock.until(agent.generateReply("Good day.", { track, participant: ann.participant }));
  await clock.until(agent.say("Hello all."));
  assertEquals(agent.conversation!.messages.map(({ text, to }) => [text, to]), [
    ["Psst.", "ann"],
    ["Good day.", "ann"],
    ["Hello yourself.", "ann"],
    ["Hello all.", undefined],
  ]);
  // The agent itself remembers it.
  assertEquals(fixture.told, ["assistant: Psst.", "user: Ann: Good day."]);
});

Deno.test("a realtime model refuses to speak to one participant", async () => {
  const { fixture, whisper, agent } = await set({ realtime: [] });
  await using _ = fixture;
  for (const speak of [agent.say, agent.generateReply]) {
    const spoken = speak.call(agent, "Psst.", { track: whisper() });
    await assertRejects(() => spoken, TypeError, "speaks to all participants");
  }
});

for (const seed of [1, 2, 3]) {
  Deno.test(`simulateCall plays a track to one person over their network (seed ${seed})`, async () => {
    await simulateCall({
      seed,
      people: PEOPLE.map((userId) => ({ userId, network: { delayMs: 80 * seed } })),
      agent: ({ clock }) => ({ tts: new FakeTTS(clock) }),
      onJoined: async ({ agent }) => {
        const [ann] = [...agent.connection!.participants.values()];
        const track = agent.createAudioTrack({ to: ann! });
        await agent.say("A little secret for you.", { track });
        await agent.audio.write(new PcmChunk(tone(300).samples, { sampleRate: 16_000 }));
      },
      endsAtMs: 4000,
    }, ({ heardBy, said, errors }) => {
      const heard = PEOPLE.map((id) => heardBy.get(id)!.totalMs);
      // Words have pauses, which are no sound.
      assertEquals([heard[0], heard[1]], [said.totalMs, 300]);
      assertEquals(errors, []);
    });
  });
}
