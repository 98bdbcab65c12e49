/** Resources that a machine refuses: ports, permissions, and time that passes evenly. */
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { delay } from "@std/async/delay";
import { Agent, type Clock, silentLogger, systemClock } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { browserTest, Guest, until } from "../e2e/_fixture.ts";
import { Ears, tone } from "../e2e/_agents.ts";
import { toneDb } from "../e2e/_signal.ts";
import { gone, report, startFixture } from "./_fixture.ts";

const HEARD_DB = -25;
/** A port that no test uses and no system assigns: room for one participant. */
const PORTS = { min: 29_311, max: 29_311 };

Deno.test("an agent that may start nothing any more ends its call and says why", async () => {
  const { child: program, reading, line } = startFixture("revoked.ts");
  await using child = program;
  const { pid, link } = await line(0);
  // The call went on: it is there to be joined.
  assertEquals((await fetch(new URL("/", link))).status < 500, true);
  Deno.kill(pid, "SIGKILL");
  assertEquals(await line(1), { closed: "media-process-lost" });
  const { name, message, code, ms } = await line(2);
  assertEquals([name, code], ["EdgeError", "permission-denied"]);
  assertStringIncludes(message, "--allow-run");
  assertLess(ms, 1000);
  // And nothing keeps the program from its end.
  await reading;
  assertEquals((await child.status).code, 0);
});

browserTest("who finds no port is told so, and those who are there go on", async (browser) => {
  let pid: number;
  {
    await using edge = new LocalEdge({ logger: silentLogger, udpPortRange: PORTS });
    const ears = new Ears();
    const agent = new Agent({ edge, agentUser: { id: "a", name: "Agent" }, processors: [ears] });
    const call = await agent.createCall("default", "test");
    await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
    pid = edge.mediaProcessId!;
    const link = await edge.callLink(call);
    const ada = await Guest.join(browser, link, { name: "Ada" });
    await ada.startTone(500);
    await until("Ada is heard", async () => toneDb(await ears.next("Ada", 100), 500) > HEARD_DB);

    const begun = performance.now();
    const refusal = await Guest.join(browser, link, { name: "Bob" }).then(() => "let in", String);
    const ms = Math.round(performance.now() - begun);
    report("ports used up", { "the next is refused after": `${ms} ms` });
    // Immediately, and not after a search for a way that cannot be there.
    assertStringIncludes(refusal, "This call is full.");
    assertLess(ms, 5000);
    assertEquals([...agent.connection!.participants.keys()], [ada.id]);
    await until("Ada is heard", async () => toneDb(await ears.next("Ada", 100), 500) > HEARD_DB);

    // Ada's port is free once Ada has left.
    await ada.leave();
    const dan = await Guest.join(browser, link, { name: "Dan" });
    await until("Dan is here", () => agent.connection!.participants.has(dan.id));
    await dan.leave();
  }
  await gone([pid]);
});

browserTest("a camera that is refused in mid-call leaves the call as it was", async (browser) => {
  await using edge = new LocalEdge({ logger: silentLogger });
  const ears = new Ears();
  const agent = new Agent({ edge, agentUser: { id: "a", name: "Agent" }, processors: [ears] });
  const call = await agent.createCall("default", "test");
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
  const ada = await Guest.join(browser, await edge.callLink(call), { name: "Ada" });
  await ada.startTone(500);
  await until("Ada is heard", async () => toneDb(await ears.next("Ada", 100), 500) > HEARD_DB);
  const refused = await ada.page.evaluate(`(() => {
    navigator.mediaDevices.getUserMedia = () =>
      Promise.reject(new DOMException("Permission denied", "NotAllowedError"));
    return guest.client.setCamera(true).then(
      () => ({}),
      ({ name, code, message }) => ({ name, code, message, media: guest.client.media }),
    );
  })()`);
  assertEquals(refused, {
    name: "RinglineError",
    code: "camera-denied",
    message: "The browser may not use the camera.",
    media: {
      microphone: true,
      muted: false,
      camera: false,
      screen: false,
      screenAudio: false,
    },
  });
  await until("Ada is heard", async () => toneDb(await ears.next("Ada", 100), 500) > HEARD_DB);
  assertEquals((await ada.events("state")).at(-1)?.state, "connected");
  await ada.leave();
});

/** The machine's clock, which jumps when told to: the wall's either way, the other only ahead. */
class JumpingClock implements Clock {
  #ahead = 0;
  #wall = 0;

  /** What a machine does that slept, and then asks a time server. */
  jump(aheadMs: number, wallMs: number): void {
    this.#ahead += aheadMs;
    this.#wall += wallMs;
  }

  now(): number {
    return systemClock.now() + this.#ahead;
  }

  epochMs(): number {
    return systemClock.epochMs() + this.#wall;
  }

  schedule(callback: () => void, ms: number): Disposable {
    return systemClock.schedule(callback, ms);
  }
}

browserTest("a clock that jumps ends nothing and holds nothing up", async (browser) => {
  const clock = new JumpingClock();
  await using edge = new LocalEdge({ logger: silentLogger, clock });
  const ears = new Ears();
  const agent = new Agent({ edge, agentUser: { id: "a", name: "Agent" }, processors: [ears] });
  const call = await agent.createCall("default", "test");
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
  const connection = agent.connection!;
  const ada = await Guest.join(browser, await edge.callLink(call), { name: "Ada" });
  await ada.startTone(500);
  for (const [ahead, wall] of [[0, -3_600_000], [0, 7_200_000], [3_600_000, 0]] as const) {
    clock.jump(ahead, wall);
    const [played, mark] = [agent.audio.playedMs, await ada.mark()];
    await agent.audio.write(tone(1000, 600), { final: true });
    await until("all of it is played", () => agent.audio.playedMs >= played + 590, 5000);
    await until("it is heard", async () => {
      const heard = await ada.heardSince(mark);
      return toneDb(heard, 1000) > HEARD_DB - 15;
    });
    await until("Ada is heard", async () => toneDb(await ears.next("Ada", 100), 500) > HEARD_DB);
    assertEquals(connection.state, "active");
    assertEquals(connection.idleForMs(), 0);
  }
  await ada.leave();
  await until("the call is idle", () => connection.state === "idle");
  // Idleness is measured by what does not jump with the wall, and never negative.
  clock.jump(0, -3_600_000);
  await delay(50);
  const idle = connection.idleForMs();
  assert(idle >= 40 && idle < 60_000, String(idle));
  assertEquals(await ada.page.isClosed(), true);
});
