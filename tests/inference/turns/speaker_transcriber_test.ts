/** The recogniser's session for one speaker. */
import { assertEquals } from "@std/assert";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { Channel } from "../../../src/events/channel.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import type { SttEvent, SttSession } from "../../../src/inference/contracts/stt.ts";
import { SpeakerTranscriber } from "../../../src/inference/turns/speaker_transcriber.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";

/** A session that writes down what it gets: the first sample of each 20 ms, and `|` for a commit. */
class Session implements SttSession {
  readonly got: (number | string)[] = [];
  readonly events = new Channel<SttEvent>();

  sendAudio({ samples }: PcmChunk): void {
    this.got.push(samples[0]!);
  }

  commit(): void {
    this.got.push("|");
  }

  end(): void {
    this.got.push("end");
    this.events.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.got.push("disposed");
    return Promise.resolve();
  }

  [Symbol.asyncIterator](): AsyncIterator<SttEvent> {
    return this.events[Symbol.asyncIterator]();
  }

  final(text: string, lastMs?: number): void {
    const words = lastMs === undefined ? undefined : [{ text, startMs: 0, endMs: lastMs }];
    this.events.push({ type: "transcript", text, final: true, ...words ? { words } : {} });
  }
}

class TranscriberFixture {
  readonly clock = new VirtualClock();
  readonly sessions: Session[] = [];
  readonly seen: string[] = [];
  readonly failures: unknown[] = [];
  readonly transcriber: SpeakerTranscriber;
  #slot = 0;

  constructor() {
    const { clock } = this;
    this.transcriber = new SpeakerTranscriber({
      stt: {
        name: "stt",
        open: () => {
          if (this.failures.length > 0) throw this.failures.shift();
          const session = new Session();
          this.sessions.push(session);
          return session;
        },
      },
      speakerId: "ann",
      sampleRate: 1000,
      continuous: false,
      limitMs: 3000,
      clock,
      logger: silentLogger,
      onEvent: (event) =>
        this.seen.push("text" in event ? `${event.text} ${event.final}` : event.type),
      report: (error) => void this.seen.push((error as Error).message),
    });
  }

  /** Sends so many slots: the samples of each are its number. */
  async send(slots: number): Promise<void> {
    for (let n = 0; n < slots; n++) {
      const samples = new Int16Array(20).fill(++this.#slot);
      this.transcriber.send(new PcmChunk(samples, { sampleRate: 1000 }));
      await this.clock.advance(20);
    }
  }

  /** Commits, and writes down when it is done. */
  commit(name: string): void {
    this.transcriber.commit().then(() => this.seen.push(`${name} at ${this.clock.now()}`));
  }
}

Deno.test("SpeakerTranscriber opens a session with the first audio, and one only", async () => {
  const fixture = new TranscriberFixture();
  fixture.commit("nothing");
  await fixture.clock.advance(0);
  assertEquals([fixture.sessions.length, fixture.seen], [0, ["nothing at 0"]]);
  await fixture.send(2);
  fixture.commit("first");
  await fixture.send(1);
  const [session] = fixture.sessions;
  session!.final("Hello.");
  session!.events.push({ type: "committed" });
  await fixture.clock.advance(10);
  assertEquals(session!.got, [1, 2, "|", 3]);
  assertEquals(fixture.seen.slice(1), ["Hello. true", "first at 60"]);
  const ended = fixture.transcriber.end();
  await fixture.clock.advance(10);
  await ended;
  assertEquals(session!.got.slice(4), ["end", "disposed"]);
  assertEquals([fixture.sessions.length, fixture.clock.pending], [1, 0]);
});

Deno.test("SpeakerTranscriber gives the next session the audio that has no final text", async () => {
  const fixture = new TranscriberFixture();
  await fixture.send(4);
  fixture.sessions[0]!.final("One", 30);
  await fixture.clock.advance(0);
  fixture.sessions[0]!.events.fail(new Error("cut"));
  await fixture.send(1);
  assertEquals(fixture.sessions.length, 1, "not in the same second");
  await fixture.clock.advance(1000);
  await fixture.send(1);
  // The word ended in the middle of the second slot: its rest, then the others.
  assertEquals(fixture.sessions[1]!.got, [2, 3, 4, 5, 6]);
  fixture.sessions[1]!.final("two", 20);
  await fixture.clock.advance(0);
  fixture.sessions[1]!.events.fail(new Error("cut again"));
  await fixture.clock.advance(5000);
  await fixture.send(1);
  assertEquals(fixture.sessions[2]!.got, [3, 4, 5, 6, 7]);
  assertEquals(fixture.seen, ["One true", "cut", "two true", "cut again"]);
  await fixture.transcriber.close();
});

Deno.test("SpeakerTranscriber asks one more session for what it waits for, with its commits", async () => {
  const fixture = new TranscriberFixture();
  await fixture.send(2);
  fixture.commit("first");
  await fixture.send(1);
  fixture.commit("second");
  fixture.sessions[0]!.events.fail(new Error("cut"));
  await fixture.clock.advance(0);
  assertEquals(fixture.sessions[1]!.got, [1, 2, "|", 3, "|"]);
  fixture.sessions[1]!.events.push({ type: "committed" });
  await fixture.clock.advance(0);
  fixture.sessions[1]!.events.fail(new Error("cut again"));
  await fixture.clock.advance(0);
  assertEquals(fixture.sessions.length, 2, "no third one");
  assertEquals(fixture.seen, ["cut", "first at 60", "cut again", "second at 60"]);
  await fixture.transcriber.close();
  assertEquals(fixture.clock.pending, 0);
});

Deno.test("SpeakerTranscriber gives up a commit, keeps its last text, and opens another session", async () => {
  const fixture = new TranscriberFixture();
  await fixture.send(1);
  fixture.sessions[0]!.events.push({ type: "transcript", text: "Hel", final: false });
  fixture.commit("first");
  await fixture.clock.advance(3000);
  assertEquals(fixture.seen, [
    "Hel false",
    "a transcript did not happen within 3000 ms",
    "Hel true",
    "first at 3020",
  ]);
  assertEquals(fixture.sessions[0]!.got.at(-1), "disposed");
  await fixture.send(1);
  assertEquals(fixture.sessions[1]!.got, [2]);
  await fixture.transcriber.close();
});

Deno.test("SpeakerTranscriber drops the text of what is discarded, and no other", async () => {
  const fixture = new TranscriberFixture();
  await fixture.send(1);
  void fixture.transcriber.commit({ discards: true });
  await fixture.send(1);
  const [session] = fixture.sessions;
  session!.final("Unwanted.");
  session!.events.push({ type: "committed" });
  session!.final("Wanted.");
  await fixture.clock.advance(0);
  assertEquals(fixture.seen, ["Wanted. true"]);
  await fixture.transcriber.close();
});

Deno.test("SpeakerTranscriber discards all of a turn, and nothing of the turn before", async () => {
  const fixture = new TranscriberFixture();
  const { transcriber } = fixture;
  await fixture.send(1);
  void transcriber.commit({ endsTurn: true });
  await fixture.send(1);
  void transcriber.commit();
  await fixture.send(1);
  void transcriber.commit({ discards: true });
  const [session] = fixture.sessions;
  for (const text of ["kept", "a pause in it", "the rest of it"]) {
    session!.final(text);
    session!.events.push({ type: "committed" });
  }
  await fixture.clock.advance(0);
  assertEquals(fixture.seen, ["kept true"]);
  await transcriber.close();
});

Deno.test("SpeakerTranscriber waits longer after each session in succession that cannot be opened", async () => {
  const fixture = new TranscriberFixture();
  for (let n = 0; n < 10; n++) fixture.failures.push(new Error("down"));
  await fixture.send(1000);
  // At 0, 1, 3, 7 and 15 s.
  assertEquals(fixture.failures.length, 5);
  fixture.failures.length = 0;
  fixture.commit("last");
  await fixture.clock.advance(0);
  assertEquals(fixture.sessions.length, 1, "a pause does not wait for it");
  assertEquals(fixture.sessions[0]!.got.length, 1001);
  await fixture.transcriber.close();
});
