/** What becomes of speech that overlaps the agent's. */
import { assertEquals } from "@std/assert";
import {
  BargeInEvent,
  FalseInterruptionEvent,
  OverlappingSpeechEvent,
} from "../../../src/inference/contracts/events.ts";
import {
  InterruptionHandler,
  type InterruptionOptions,
} from "../../../src/inference/turns/interruption_handler.ts";
import { UnheardSpeechTimeout } from "../../../src/inference/turns/unheard_speech_timeout.ts";
import type { UserTurn } from "../../../src/inference/turns/user_turn.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { addText, userTurn } from "./_user_turn.ts";

/** A handler whose playback writes down what is asked of it, with the events, in one order. */
class HandlerFixture {
  readonly clock = new VirtualClock();
  readonly seen: string[] = [];
  readonly handler: InterruptionHandler;
  readonly unheardSpeech = new UnheardSpeechTimeout();
  isBusy = true;
  allowsInterruption = true;
  /** How long the track takes to say what it discarded. */
  flushMs = 0;

  constructor(options: InterruptionOptions = {}) {
    const { clock, unheardSpeech } = this;
    const isBusy = () => this.isBusy;
    const playback = {
      get isBusy() {
        return isBusy();
      },
      spokenMs: Infinity,
      remainingMs: Infinity,
      canBeInterruptedBy: () => this.allowsInterruption,
      pause: () => this.#see("pause"),
      resume: () => this.#see("resume"),
      interrupt: () => {
        this.#see("interrupt");
        this.isBusy = false;
        return new Promise<number>((resolve) => {
          clock.schedule(() => resolve(400), this.flushMs);
        });
      },
    };
    const emit = (event: object) => this.#see(describe(event));
    this.handler = new InterruptionHandler({ playback, unheardSpeech, clock, emit }, options);
  }

  /** Speech begins in a turn: the VAD needed 160 ms for it. */
  async speak(turn: UserTurn): Promise<void> {
    await this.clock.advance(160);
    turn.resumedMs = this.clock.now() - 160;
    turn.resumptions++;
    this.handler.speechStarted(turn);
  }

  /** Speech has lasted so long and stops. */
  async pause(turn: UserTurn, afterMs: number): Promise<void> {
    await this.clock.advance(afterMs - 160);
    turn.endOfSpeechMs = this.clock.now();
    this.handler.speechStopped(turn);
  }

  #see(what: string): void {
    this.seen.push(`${this.clock.now()} ${what}`);
  }
}

function describe(event: object): string {
  if (event instanceof OverlappingSpeechEvent) return `overlap of ${event.participant.id}`;
  if (event instanceof FalseInterruptionEvent) {
    return `false interruption of ${event.participant.id}, paused ${event.pausedMs} ms`;
  }
  if (event instanceof BargeInEvent) {
    const { participant, silenceMs, discardedMs } = event;
    return `barge-in of ${participant?.id}, silent after ${silenceMs} ms, ${discardedMs} ms lost`;
  }
  return event.constructor.name;
}

Deno.test("InterruptionHandler leaves an agent alone that says nothing", async () => {
  const fixture = new HandlerFixture();
  fixture.isBusy = false;
  const turn = userTurn("ann");
  await fixture.speak(turn);
  addText(turn, "Hello there.");
  fixture.handler.textChanged(turn);
  await fixture.pause(turn, 900);
  fixture.handler.transcribed(turn);
  fixture.handler.turnEnded(turn);
  await fixture.clock.advance(60_000);
  assertEquals(fixture.seen, []);
  assertEquals(fixture.handler.isBackchannel(turn), false);
});

Deno.test("InterruptionHandler pauses at the first word and interrupts at the first text", async () => {
  const fixture = new HandlerFixture();
  const { handler, clock } = fixture;
  const turn = userTurn("ann");
  await fixture.speak(turn);
  assertEquals(handler.isUndecided, true);
  await clock.advance(300);
  addText(turn, "No, stop");
  handler.textChanged(turn);
  assertEquals([handler.isUndecided, handler.inProgress !== undefined], [false, true]);
  await clock.advance(10_000);
  assertEquals(handler.inProgress, undefined);
  assertEquals(fixture.seen, [
    "160 pause",
    "160 overlap of ann",
    "460 interrupt",
    "460 barge-in of ann, silent after 160 ms, 400 ms lost",
  ]);
  assertEquals(clock.pending, 0);
});

Deno.test("InterruptionHandler resumes after a backchannel, which is no turn", async () => {
  const fixture = new HandlerFixture();
  const turn = userTurn("ann");
  await fixture.speak(turn);
  addText(turn, "Mhm, yeah.");
  fixture.handler.textChanged(turn);
  await fixture.pause(turn, 400);
  fixture.handler.transcribed(turn);
  assertEquals(fixture.handler.isBackchannel(turn), true);
  fixture.handler.turnEnded(turn);
  assertEquals(fixture.seen, [
    "160 pause",
    "160 overlap of ann",
    "400 resume",
    "400 false interruption of ann, paused 240 ms",
  ]);
  assertEquals(fixture.clock.pending, 0);
});

Deno.test("InterruptionHandler resumes after a turn without a word", async () => {
  const fixture = new HandlerFixture();
  const turn = userTurn("ann");
  await fixture.speak(turn);
  await fixture.pause(turn, 300);
  await fixture.clock.advance(200);
  fixture.handler.turnEnded(turn);
  assertEquals(fixture.seen.slice(2), [
    "500 resume",
    "500 false interruption of ann, paused 340 ms",
  ]);
});

for (const [ms, outcome] of [[690, "resume"], [710, "interrupt"]] as const) {
  Deno.test(`InterruptionHandler ${outcome}s after ${ms} ms of speech whose text is late`, async () => {
    const fixture = new HandlerFixture();
    const turn = userTurn("ann");
    await fixture.speak(turn);
    await fixture.pause(turn, ms);
    await fixture.clock.advance(1499);
    assertEquals(fixture.seen.length, 2, "undecided");
    await fixture.clock.advance(1);
    assertEquals(fixture.seen[2], `${ms + 1500} ${outcome}`);
  });
}

Deno.test("InterruptionHandler adds up no pieces of speech to a long one", async () => {
  const fixture = new HandlerFixture();
  const turn = userTurn("ann");
  for (let pieces = 0; pieces < 3; pieces++) {
    await fixture.speak(turn);
    await fixture.pause(turn, 400);
  }
  await fixture.clock.advance(1500);
  assertEquals(fixture.seen, [
    "160 pause",
    "160 overlap of ann",
    "2700 resume",
    "2700 false interruption of ann, paused 2540 ms",
  ]);
});

Deno.test("InterruptionHandler interrupts an agent that has resumed, once the text shows why", async () => {
  const fixture = new HandlerFixture();
  const turn = userTurn("ann");
  await fixture.speak(turn);
  await fixture.pause(turn, 400);
  await fixture.clock.advance(2600);
  addText(turn, "Please stop.");
  fixture.handler.transcribed(turn);
  await fixture.clock.advance(10);
  assertEquals(fixture.seen.slice(2), [
    "1900 resume",
    "1900 false interruption of ann, paused 1740 ms",
    "3000 interrupt",
    "3000 barge-in of ann, silent after 3000 ms, 400 ms lost",
  ]);
});

Deno.test("InterruptionHandler resumes during a noise that goes on without a word", async () => {
  const fixture = new HandlerFixture();
  const turn = userTurn("fan");
  await fixture.speak(turn);
  await fixture.clock.advance(60_000);
  assertEquals(fixture.seen.slice(2), [
    "10000 resume",
    "10000 false interruption of fan, paused 9840 ms",
  ]);
  assertEquals(fixture.clock.pending, 0);
});

Deno.test("InterruptionHandler stays paused while text comes that is a backchannel only", async () => {
  const fixture = new HandlerFixture();
  const turn = userTurn("ann");
  await fixture.speak(turn);
  await fixture.clock.advance(5000);
  addText(turn, "Mhm");
  turn.textChangedMs = fixture.clock.now();
  fixture.handler.textChanged(turn);
  await fixture.clock.advance(9999);
  assertEquals(fixture.seen.length, 2);
  await fixture.clock.advance(1);
  assertEquals(fixture.seen[2], "15160 resume");
});

Deno.test("InterruptionHandler resumes when the last of several overlaps is dismissed", async () => {
  const fixture = new HandlerFixture();
  const [ann, bob] = [userTurn("ann"), userTurn("bob")];
  await fixture.speak(ann);
  await fixture.speak(bob);
  fixture.handler.turnEnded(ann);
  assertEquals(fixture.handler.isUndecided, true);
  fixture.handler.turnEnded(bob);
  assertEquals(fixture.seen, [
    "160 pause",
    "160 overlap of ann",
    "320 pause",
    "320 overlap of bob",
    "320 resume",
    "320 false interruption of bob, paused 0 ms",
  ]);
});

Deno.test("InterruptionHandler takes speech during an interruption for no other", async () => {
  const fixture = new HandlerFixture();
  const { handler, clock } = fixture;
  fixture.flushMs = 500;
  const [ann, bob] = [userTurn("ann"), userTurn("bob")];
  await fixture.speak(ann);
  addText(ann, "Stop it.");
  handler.textChanged(ann);
  fixture.isBusy = true; // what is said next waits in the queue already
  await fixture.speak(bob);
  assertEquals(handler.isUndecided, false);
  await clock.advance(1000);
  assertEquals(fixture.seen.slice(2), [
    "160 interrupt",
    "660 barge-in of ann, silent after 160 ms, 400 ms lost",
  ]);
});

Deno.test("InterruptionHandler forgets overlaps when the agent is interrupted otherwise", async () => {
  const fixture = new HandlerFixture();
  const turn = userTurn("ann");
  await fixture.speak(turn);
  fixture.handler.clear();
  assertEquals(fixture.clock.pending, 0);
  await fixture.pause(turn, 900);
  await fixture.clock.advance(60_000);
  assertEquals(fixture.seen.length, 2);
});
