/** A media process that dies or hangs in the middle of a call, as people and agent see it. */
import { delay } from "@std/async/delay";
import { assertEquals, assertLess } from "@std/assert";
import {
  Agent,
  CallEndedEvent,
  type CloseReason,
  ConnectionStateChangedEvent,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  TextReceivedEvent,
  TrackAddedEvent,
  TrackRemovedEvent,
} from "@ringline/edge";
import { type AgentFixture, openAgentFixture, tone } from "../e2e/_agents.ts";
import { browserTest, Guest, until } from "../e2e/_fixture.ts";
import { toneDb } from "../e2e/_signal.ts";

const HEARD_DB = -25;
/** Milliseconds within which all hear each other again: 2000 on a machine that does nothing else. */
const BACK_MS = 8000;

/** A call of two people and an agent that says a tone without end. */
class Talk implements AsyncDisposable {
  /** What the agent was told about who is there, and whether it reconnects. */
  readonly lines: string[] = [];
  #saying = true;

  private constructor(readonly fixture: AgentFixture, readonly ada: Guest, readonly bob: Guest) {
    const { events } = fixture.edge;
    events.subscribe(ConnectionStateChangedEvent, ({ state, reconnecting }) => {
      this.lines.push(reconnecting ? "reconnecting" : state);
    });
    for (const type of [ParticipantJoinedEvent, ParticipantLeftEvent]) {
      events.subscribe(type, ({ participant }) => {
        this.lines.push(`${type.name} ${participant.id}`);
      });
    }
    for (const type of [TrackAddedEvent, TrackRemovedEvent]) {
      events.subscribe(type, ({ track }) => void this.lines.push(`${type.name} ${track.id}`));
    }
    void this.#say();
  }

  static async begin(browser: Parameters<typeof Guest.join>[0]): Promise<Talk> {
    const fixture = await openAgentFixture();
    const ada = await Guest.join(browser, fixture.link, { name: "Ada" });
    const bob = await Guest.join(browser, fixture.link, { name: "Bob" });
    await ada.startTone(500);
    await bob.startTone(800);
    const { participants, tracks } = fixture.agent.connection!;
    await until("both are here", () => participants.size === 2 && tracks.size === 2);
    const talk = new Talk(fixture, ada, bob);
    await talk.allHear();
    return talk;
  }

  get pid(): number {
    return this.fixture.edge.mediaProcessId!;
  }

  /** Resolves when each of the three hears the two others. */
  async allHear(): Promise<void> {
    const { ears } = this.fixture;
    const hears = (guest: Guest, hz: number) =>
      until(`a guest hears ${hz} Hz`, async () => toneDb(await guest.hear(60), hz) > HEARD_DB);
    const heard = (name: string, hz: number) =>
      until(`${name} is heard`, async () => toneDb(await ears.next(name, 60), hz) > HEARD_DB);
    await Promise.all([
      heard("Ada", 500),
      heard("Bob", 800),
      hears(this.ada, 800).then(() => hears(this.ada, 1000)),
      hears(this.bob, 500).then(() => hears(this.bob, 1000)),
    ]);
  }

  /** Resolves when all hear each other again, in the next process. Returns how long it took. */
  async back(begun: number, pid: number): Promise<number> {
    const { edge, agent } = this.fixture;
    await until("the next process", () => edge.mediaProcessId !== pid && edge.mediaProcessId);
    await until("the agent is back", () => !agent.connection!.isReconnecting);
    for (const guest of [this.ada, this.bob]) {
      await until(
        "a page is back",
        async () =>
          (await guest.events("state")).slice(-2).map(({ state }) => state).join() ===
            "reconnecting,connected",
      );
      // A new connection has a new track.
      await guest.page.evaluate("void guest.listen()");
    }
    await this.allHear();
    return performance.now() - begun;
  }

  /** Nothing but a reconnection was seen, once for each loss. */
  assertSame(losses: number): void {
    const { participants, state } = this.fixture.agent.connection!;
    assertEquals([...participants.keys()], [this.ada.id, this.bob.id]);
    assertEquals([...participants.values()].map(({ name }) => name), ["Ada", "Bob"]);
    const wanted = Array.from({ length: losses }, () => ["reconnecting", "active"]).flat();
    assertEquals([state, this.lines], ["active", wanted]);
  }

  async #say(): Promise<void> {
    const { audio } = this.fixture.agent;
    while (this.#saying) await audio.write(tone(1000, 100)).catch(() => this.#saying = false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#saying = false;
    await this.fixture[Symbol.asyncDispose]();
  }
}

browserTest(
  "a media process that dies is replaced: all hear each other again, as the same people",
  async (browser) => {
    await using talk = await Talk.begin(browser);
    for (let loss = 1; loss <= 2; loss++) {
      const { pid } = talk;
      // A message that came right before it would make its call a suspect.
      await delay(1500);
      const begun = performance.now();
      Deno.kill(pid, "SIGKILL");
      const ms = await talk.back(begun, pid);
      assertLess(ms, BACK_MS);
      talk.assertSame(loss);
    }
    const ids = async (guest: Guest) => await guest.client<string>("valueOf").then(() => guest.id);
    assertEquals(await ids(talk.ada), talk.ada.id);
  },
);

browserTest(
  "a media process that hangs is ended after 3 s and replaced; one whose agent was blocked is not",
  async (browser) => {
    await using talk = await Talk.begin(browser);
    const { pid } = talk;
    const end = performance.now() + 5000;
    while (performance.now() < end);
    await talk.allHear();
    await delay(1000);
    assertEquals([talk.pid, talk.lines], [pid, []]);

    const texts: string[] = [];
    talk.fixture.edge.events.subscribe(TextReceivedEvent, ({ text }) => void texts.push(text));
    const begun = performance.now();
    Deno.kill(pid, "SIGSTOP");
    await talk.ada.page.evaluate(`guest.client.sendText("while it hangs")`);
    const ms = await talk.back(begun, pid);
    assertLess(ms, 3000 + BACK_MS);
    talk.assertSame(1);
    assertEquals(texts, ["while it hangs"]);
  },
);

browserTest(
  "a media process that dies again and again ends the call, and the pages learn of it",
  async (browser) => {
    await using talk = await Talk.begin(browser);
    const { agent, edge } = talk.fixture;
    const connection = agent.connection!;
    const reasons: CloseReason[] = [];
    edge.events.subscribe(CallEndedEvent, ({ reason }) => void reasons.push(reason));
    while (connection.state !== "closed") {
      const { pid } = talk;
      Deno.kill(pid, "SIGKILL");
      await until("the next process", () => edge.mediaProcessId !== pid);
      await until("the agent's call", () => !connection.isReconnecting);
    }
    assertEquals([await connection.closed, reasons], ["media-process-lost", [
      "media-process-lost",
    ]]);
    assertEquals(talk.lines.filter((line) => line === "reconnecting").length, 2);
    const ended = await until("the page knows", async () => (await talk.ada.events("ended")).at(0));
    assertEquals(ended.code, "server-gone");

    const next = new Agent({ edge, agentUser: { id: "next", name: "Next" } });
    const call = await next.createCall("default", "test");
    await using _session = await next.join(call, { participantWaitTimeoutMs: 0 });
    const again = await Guest.join(browser, await edge.callLink(call), { name: "Ada" });
    await next.audio.write(tone(1000, 900));
    await until("the next agent is heard", async () => {
      return toneDb(await again.hear(100), 1000) > HEARD_DB;
    });
    await again.leave();
  },
);
