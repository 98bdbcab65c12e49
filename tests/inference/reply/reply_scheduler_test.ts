/** When the agent replies to which turn. */
import { assertEquals } from "@std/assert";
import { sleep } from "../../../src/events/waiting.ts";
import type { Reply } from "../../../src/inference/reply/reply.ts";
import { ReplyScheduler } from "../../../src/inference/reply/reply_scheduler.ts";
import { UnheardSpeechTimeout } from "../../../src/inference/turns/unheard_speech_timeout.ts";
import type { UserTurn } from "../../../src/inference/turns/user_turn.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { addText, userTurn } from "../turns/_user_turn.ts";

/** A scheduler that writes down what it asks for, between turns that the test plays. */
class SchedulerFixture {
  readonly clock = new VirtualClock();
  readonly seen: string[] = [];
  readonly inProgress = new Set<UserTurn>();
  readonly scheduler: ReplyScheduler;
  people = 2;
  interruption: Promise<void> | undefined;
  isUndecided = false;
  isBackchannel = false;
  isFull = false;
  /** Whether replies ask the model: those that are interrupted before do not. */
  asks = true;
  isSpeaking = false;
  allowsInterruption = true;

  constructor(
    options: {
      preemptive?: boolean;
      shouldReply?: (text: string) => boolean;
      /** How long the application's hook takes for each turn; without this there is none. */
      hookMs?: number;
    } = {},
  ) {
    const { clock } = this;
    const { preemptive = false, shouldReply = () => true, hookMs } = options;
    const see = (what: string) => void this.seen.push(`${clock.now()} ${what}`);
    const report = (error: unknown, context: string) => see(`${context}: ${error}`);
    const interruption = {
      inProgress: () => this.interruption,
      isUndecided: () => this.isUndecided,
    };
    this.scheduler = new ReplyScheduler({ clock, report, countPeople: () => this.people }, {
      chat: {
        messages: [],
        appendUserMessage: (text) => {
          see(`chat: ${text}`);
          return { role: "user", text };
        },
      },
      generator: {
        generatePreemptively: ({ text }) => see(`preemptively: ${text}`),
        replyTo: () => {
          if (this.asks) this.scheduler.newsTold();
          return {} as Reply;
        },
        discard: (turn) => see(`discard ${turn?.participant.id ?? "any"}`),
      },
      interruption: {
        get inProgress() {
          return interruption.inProgress();
        },
        get isUndecided() {
          return interruption.isUndecided();
        },
        isBackchannel: () => this.isBackchannel,
      },
      unheardSpeech: new UnheardSpeechTimeout(),
      turnsInProgress: () => [...this.inProgress],
      preemptive,
      shouldReply: ({ text }) => shouldReply(text),
      ...hookMs === undefined ? {} : {
        completion: {
          ask: async () => {
            await sleep(hookMs, { clock });
            return {};
          },
          close: () => {},
        },
      },
      isSpeaking: () => this.isSpeaking,
      allowsInterruption: () => this.allowsInterruption,
      checkCapacity: () => {
        if (this.isFull) throw new RangeError("full");
      },
      onNews: () => see("news"),
      onReply: (_, { text }) => see(`reply: ${text}`),
    });
  }

  /** A participant speaks from now on. */
  start(id: string): UserTurn {
    const turn = userTurn(id, { firstSoundMs: this.clock.now() });
    this.inProgress.add(turn);
    return turn;
  }

  /** The turn is over, with this text. */
  async end(turn: UserTurn, text: string): Promise<void> {
    if (text !== "") addText(turn, text);
    turn.endedMs = this.clock.now();
    this.inProgress.delete(turn);
    this.scheduler.turnEnded(turn);
    await this.clock.advance(0);
  }
}

Deno.test("ReplyScheduler replies to a turn as soon as it is over", async () => {
  const fixture = new SchedulerFixture();
  await fixture.end(fixture.start("ann"), "Hello.");
  assertEquals(fixture.seen, ["0 chat: Hello.", "0 reply: Hello."]);
});

Deno.test("ReplyScheduler replies once, to the latest turn, when no turn is in progress", async () => {
  const fixture = new SchedulerFixture();
  const [ann, bob] = [fixture.start("ann"), fixture.start("bob")];
  await fixture.clock.advance(1000);
  await fixture.end(ann, "Tea?");
  await fixture.clock.advance(1000);
  await fixture.end(bob, "Or coffee?");
  await fixture.clock.advance(60_000);
  assertEquals(fixture.seen, [
    "1000 chat: Tea?",
    "2000 chat: Or coffee?",
    "2000 reply: Or coffee?",
  ]);
  assertEquals(fixture.clock.pending, 0);
});

Deno.test("ReplyScheduler replies although a noise goes on, when its time is over", async () => {
  const fixture = new SchedulerFixture();
  fixture.start("fan");
  await fixture.clock.advance(1000);
  await fixture.end(fixture.start("ann"), "Hello.");
  await fixture.clock.advance(60_000);
  assertEquals(fixture.seen, ["1000 chat: Hello.", "10000 reply: Hello."]);
});

Deno.test("ReplyScheduler replies to a pending turn when a participant who was speaking left", async () => {
  const fixture = new SchedulerFixture();
  const bob = fixture.start("bob");
  await fixture.end(fixture.start("ann"), "Hello.");
  await fixture.clock.advance(500);
  fixture.inProgress.delete(bob);
  fixture.scheduler.speakerLeft();
  fixture.scheduler.speakerLeft();
  assertEquals(fixture.seen, ["0 chat: Hello.", "500 reply: Hello."]);
});

Deno.test("ReplyScheduler remembers what the agent does not reply to", async () => {
  const fixture = new SchedulerFixture({ shouldReply: (text) => text.startsWith("Agent") });
  await fixture.end(fixture.start("ann"), "The train is late.");
  await fixture.end(fixture.start("bob"), "Agent, when is the next?");
  assertEquals(fixture.seen, [
    "0 chat: The train is late.",
    "0 discard ann",
    "0 chat: Agent, when is the next?",
    "0 reply: Agent, when is the next?",
  ]);
});

Deno.test("ReplyScheduler neither remembers nor replies to noise", async () => {
  const fixture = new SchedulerFixture();
  await fixture.end(fixture.start("ann"), "");
  assertEquals(fixture.seen, ["0 discard ann"]);
});

Deno.test("ReplyScheduler remembers a backchannel after what the agent says, without a reply", async () => {
  const fixture = new SchedulerFixture();
  fixture.isBackchannel = fixture.isSpeaking = true;
  await fixture.end(fixture.start("bob"), "Mhm.");
  await fixture.clock.advance(700);
  assertEquals(fixture.seen, []);
  fixture.scheduler.speechEnded();
  await fixture.clock.advance(0);
  assertEquals(fixture.seen, ["700 chat: Mhm.", "700 discard bob"]);
  fixture.isSpeaking = false;
  await fixture.end(fixture.start("ann"), "Yeah.");
  assertEquals(
    fixture.seen.slice(2),
    ["700 chat: Yeah.", "700 discard ann"],
    "nothing to wait for",
  );
});

Deno.test("ReplyScheduler waits until the interruption by a turn is complete", async () => {
  const fixture = new SchedulerFixture();
  fixture.interruption = new Promise((resolve) => void fixture.clock.schedule(resolve, 300));
  await fixture.end(fixture.start("ann"), "Stop.");
  assertEquals(fixture.seen, []);
  await fixture.clock.advance(300);
  assertEquals(fixture.seen, ["300 chat: Stop.", "300 reply: Stop."]);
});

Deno.test("ReplyScheduler waits for what people cannot interrupt", async () => {
  const fixture = new SchedulerFixture();
  fixture.allowsInterruption = false;
  await fixture.end(fixture.start("ann"), "Hello.");
  await fixture.clock.advance(700);
  fixture.allowsInterruption = true;
  fixture.scheduler.speechEnded();
  fixture.scheduler.speechEnded();
  await fixture.clock.advance(0);
  assertEquals(fixture.seen, ["700 chat: Hello.", "700 reply: Hello."]);
});

Deno.test("ReplyScheduler replies once to what was said during a speech that cannot be interrupted", async () => {
  const fixture = new SchedulerFixture();
  fixture.allowsInterruption = false;
  for (const text of ["Hello?", "A room.", "For two."]) {
    await fixture.end(fixture.start("ann"), text);
  }
  fixture.allowsInterruption = true;
  fixture.scheduler.speechEnded();
  await fixture.clock.advance(0);
  assertEquals(fixture.seen, [
    "0 chat: Hello?",
    "0 chat: A room.",
    "0 chat: For two.",
    "0 reply: For two.",
  ]);
});

Deno.test("ReplyScheduler replies to a turn while one after it waits for the end of a speech", async () => {
  const fixture = new SchedulerFixture({ hookMs: 2000 });
  await fixture.end(fixture.start("ann"), "Hello.");
  fixture.isBackchannel = fixture.isSpeaking = true;
  await fixture.end(fixture.start("bob"), "Mhm.");
  await fixture.clock.advance(5000);
  assertEquals(fixture.seen.splice(0), ["2000 chat: Hello.", "2000 reply: Hello."]);
  fixture.scheduler.speechEnded();
  await fixture.clock.advance(0);
  assertEquals(fixture.seen, ["5000 chat: Mhm.", "5000 discard bob"]);
});

Deno.test("ReplyScheduler tells news at the next quiet moment, unless a reply has told it", async () => {
  const fixture = new SchedulerFixture();
  const { scheduler, clock, seen } = fixture;
  fixture.isSpeaking = true;
  scheduler.newsCame();
  await clock.advance(500);
  fixture.isSpeaking = false;
  const ann = fixture.start("ann");
  scheduler.speechEnded();
  await clock.advance(500);
  await fixture.end(ann, "");
  assertEquals(seen.splice(0), ["1000 discard ann", "1000 news"]);
  fixture.start("bob");
  scheduler.newsCame();
  fixture.inProgress.clear();
  await fixture.end(fixture.start("ann"), "Well?");
  scheduler.speechEnded();
  assertEquals(seen, ["1000 chat: Well?", "1000 reply: Well?"]);
  assertEquals(clock.pending, 0);
});

Deno.test("ReplyScheduler tells news after a reply that has not asked the model", async () => {
  const fixture = new SchedulerFixture();
  const { scheduler, seen } = fixture;
  fixture.asks = false;
  fixture.start("bob");
  scheduler.newsCame();
  fixture.inProgress.clear();
  await fixture.end(fixture.start("ann"), "Well?");
  scheduler.speechEnded();
  scheduler.speechEnded();
  assertEquals(seen, ["0 chat: Well?", "0 reply: Well?", "0 news"]);
});

Deno.test("ReplyScheduler leaves an empty call without a reply, and reports what does not fit", async () => {
  const fixture = new SchedulerFixture();
  fixture.people = 0;
  await fixture.end(fixture.start("ann"), "Goodbye.");
  fixture.people = 1;
  fixture.isFull = true;
  await fixture.end(fixture.start("bob"), "And me?");
  assertEquals(fixture.seen, [
    "0 chat: Goodbye.",
    "0 discard any",
    "0 chat: And me?",
    "0 discard any",
    "0 replying to a turn: RangeError: full",
  ]);
});

Deno.test("ReplyScheduler generates preemptively where nothing stands in its way", async () => {
  const fixture = new SchedulerFixture({ preemptive: true, shouldReply: (text) => text !== "No." });
  const { scheduler, seen } = fixture;
  const paused = (id: string, text: string) => {
    const turn = fixture.start(id);
    addText(turn, text);
    scheduler.transcribed(turn);
    fixture.inProgress.delete(turn);
  };
  paused("ann", "How are you?");
  assertEquals(seen.splice(0), ["0 preemptively: How are you?"]);
  paused("ann", "No.");
  fixture.isUndecided = true;
  paused("ann", "Over the agent.");
  fixture.isUndecided = false;
  fixture.start("bob");
  paused("ann", "While another speaks.");
  await fixture.end(fixture.start("cay"), "Pending.");
  fixture.inProgress.clear();
  paused("ann", "Before the reply to another.");
  assertEquals(seen, ["0 chat: Pending."]);
});

Deno.test("ReplyScheduler generates preemptively after an interruption, unless speech resumed", async () => {
  for (const resumes of [false, true]) {
    const fixture = new SchedulerFixture({ preemptive: true });
    const turn = fixture.start("ann");
    addText(turn, "Stop.");
    fixture.interruption = new Promise((resolve) => {
      fixture.clock.schedule(() => {
        fixture.interruption = undefined;
        resolve();
      }, 300);
    });
    fixture.scheduler.transcribed(turn);
    await fixture.clock.advance(100);
    if (resumes) {
      turn.resumptions++;
      fixture.scheduler.turnResumed(turn);
    }
    await fixture.clock.advance(300);
    assertEquals(fixture.seen, resumes ? ["100 discard ann"] : ["300 preemptively: Stop."]);
  }
});

Deno.test("ReplyScheduler leaves no timer and starts no reply once it is closed", async () => {
  const fixture = new SchedulerFixture();
  fixture.start("bob");
  await fixture.end(fixture.start("ann"), "Hello.");
  assertEquals(fixture.clock.pending, 1);
  fixture.scheduler.close();
  assertEquals(fixture.clock.pending, 0);
  fixture.inProgress.clear();
  fixture.scheduler.speakerLeft();
  await fixture.end(fixture.start("ann"), "Again.");
  assertEquals(fixture.seen, ["0 chat: Hello.", "0 discard any"]);
});
