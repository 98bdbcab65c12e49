/** The page's table of the agents' figures, and which senders it believes. */
import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import type { Browser, Page } from "../../scripts/lib/browser.ts";
import {
  Agent,
  type AgentOptions,
  BargeInEvent,
  fixedEndpointing,
  type JsonValue,
  ReplyLatencyEvent,
  SpeechStartedEvent,
  systemClock,
} from "@ringline/edge";
import { FakeLLM, FakeSTT, FakeTTS, FakeVAD } from "@ringline/edge/testing";
import { openAgentFixture } from "./_agents.ts";
import { browserTest, Guest, until } from "./_fixture.ts";

/** A microphone that is silent until the test says how loud it is. */
const MICROPHONE = `navigator.mediaDevices.getUserMedia = () => {
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: 220 });
  const gain = new GainNode(context, { gain: 0 });
  const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  tone.connect(gain).connect(out);
  tone.start();
  globalThis.speak = (level) => gain.gain.value = level;
  return Promise.resolve(out.stream);
}`;

const TOLD = {
  type: "metrics",
  voiceToVoiceMs: 1010,
  parts: {
    endOfTurnDelayMs: 400,
    transcriptionDelayMs: 150,
    llmMs: 280,
    ttfbMs: 120,
    playoutMs: 52,
    overheadMs: 8,
  },
  bargeInMs: 162,
  bargeIns: 3,
  falseInterruptions: 1,
  figures: { agent: { droppedSlots: 0, bufferedMs: 320 }, "some-llm": { inputTokens: 1200 } },
};

/** The rows that the page shows for {@linkcode TOLD}. */
const SHOWN = {
  "End of turn": "400 ms",
  "Speech to text (STT)": "150 ms",
  "Model (LLM)": "280 ms",
  "Text to speech (TTS)": "120 ms",
  "Ringline itself": "8 ms",
  "Playout": "52 ms",
  "Voice to voice": "1010 ms",
  "From speech to silence": "162 ms",
  "Count": "3",
  "False interruptions": "1",
  "Dropped slots": "0",
  "Buffered": "320 ms",
  "some-llm: input tokens": "1200",
};

/** A mind that follows a script, and tells figures when something happens. */
function scripted(): Partial<AgentOptions> {
  const text = "Once upon a time there was a king who had three daughters and no crown. ".repeat(
    20,
  );
  return {
    llm: new FakeLLM(systemClock, [{ text, firstTokenMs: 120 }]),
    stt: new FakeSTT(systemClock, [
      { text: "Tell me a story.", delayMs: 400 },
      { text: "No, stop it please.", partials: [{ afterMs: 500, text: "No, stop" }] },
    ]),
    tts: new FakeTTS(systemClock, { firstByteMs: 80 }),
    vad: new FakeVAD(),
    turnHandling: { turnDetection: fixedEndpointing(250) },
    broadcastMetrics: { everyMs: 3_600_000 },
  };
}

/** Opens the call's page and joins as Ada. */
async function joinAsAda(browser: Browser, link: URL): Promise<Page> {
  const page = await (await browser.createBrowserContext()).newPage();
  await page.evaluateOnNewDocument(MICROPHONE);
  await page.goto(link.href);
  await page.waitForSelector("#lobby:not([hidden])");
  await page.type("#name", "Ada");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#status[data-state=connected]");
  return page;
}

async function speakUntil(page: Page, what: string, condition: () => boolean): Promise<void> {
  await page.evaluate("speak(0.3)");
  await until(what, condition);
  await page.evaluate("speak(0)");
}

/**
 * Goes to the figures and opens them, by keyboard alone.
 *
 * @param tell tells the figures. Again until they are there: a page that is slow may not know yet that
 *   who tells them is an agent
 */
async function openFigures(page: Page, tell?: () => Promise<void>): Promise<void> {
  await until("the figures are there", async () => {
    await tell?.();
    return await page.$("#metrics:not([hidden])");
  });
  for (let count = 0; count < 20; count++) {
    if (await page.evaluate(`document.activeElement.matches("#metrics > summary")`)) break;
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await until("the figures are open", () => page.$("#metrics[open]"));
}

/** The rows that can be read, by their names. */
async function rows(page: Page): Promise<Record<string, string>> {
  return await page.evaluate(`Object.fromEntries(
    [...document.querySelectorAll("#metrics dl > div")]
      .filter((row) => row.checkVisibility() && row.getBoundingClientRect().height > 10)
      .map((row) => [...row.children].map(({ innerText }) => innerText.trim())),
  )`) as Record<string, string>;
}

/** What the conversation shows. */
async function lines(page: Page): Promise<string[]> {
  return await page.$$eval(
    "#conversation .text",
    (all) => all.map(({ textContent }) => textContent ?? ""),
  );
}

/** Lets an agent or a person send something that is seen, after which all before it has come. */
async function waitForMark(page: Page, send: (data: JsonValue) => Promise<unknown>) {
  const mark = crypto.randomUUID();
  await send({ mark });
  await until("all that was sent has come", async () => (await lines(page)).at(-1)?.includes(mark));
}

browserTest(
  "the page shows how fast the agent replies and falls silent",
  async (browser) => {
    await using fixture = await openAgentFixture(scripted());
    const { agent } = fixture;
    const page = await joinAsAda(browser, fixture.link);
    assert(await page.$("#metrics[hidden]"), "there are no figures yet");
    let hasBegun = false;
    let answer: ReplyLatencyEvent | undefined, bargeIn: BargeInEvent | undefined;
    agent.events.subscribe(SpeechStartedEvent, () => void (hasBegun = true));
    agent.events.subscribe(ReplyLatencyEvent, (event) => void (answer = event));
    agent.events.subscribe(BargeInEvent, (event) => void (bargeIn = event));

    await speakUntil(page, "the agent hears Ada", () => hasBegun);
    await openFigures(page);
    const ms = async (name: string) => Number((await rows(page))[name]?.match(/^(-?\d+) ms$/)?.[1]);
    assertAlmostEquals(await ms("Voice to voice"), answer!.voiceToVoiceMs, 1);
    assertAlmostEquals(await ms("End of turn"), answer!.endOfTurnDelayMs, 1);
    assertAlmostEquals(await ms("Speech to text (STT)"), answer!.transcriptionDelayMs, 1);
    assertAlmostEquals(await ms("Model (LLM)"), answer!.llmMs, 1);
    assertAlmostEquals(await ms("Text to speech (TTS)"), answer!.ttfbMs, 1);
    assertAlmostEquals(await ms("Ringline itself"), answer!.overheadMs, 1);
    assertAlmostEquals(await ms("Playout"), answer!.playoutMs, 1);
    // The bar has a piece for each part, as long as its share of the whole.
    const [bar, ...pieces] = await page.$$eval(
      ".split, .split > :not([hidden])",
      (all) => all.map((one) => one.getBoundingClientRect().width),
    );
    assertAlmostEquals(pieces[0]! / bar!, answer!.endOfTurnDelayMs / answer!.voiceToVoiceMs, 0.05);
    assertEquals((await rows(page))["From speech to silence"], "–");
    assertEquals((await rows(page))["fake-llm: requests"], "1");
    assertEquals((await rows(page))["Dropped slots"], "0");

    await speakUntil(page, "Ada interrupts", () => bargeIn !== undefined);
    await until("the page shows it", async () => (await rows(page)).Count === "1");
    assertAlmostEquals(await ms("From speech to silence"), bargeIn!.silenceMs, 1);
    assertEquals((await lines(page)).filter((text) => /metrics|Ms/.test(text)), []);
  },
);

browserTest("the page shows figures only of agents, and only numbers", async (browser) => {
  await using fixture = await openAgentFixture();
  const page = await joinAsAda(browser, fixture.link);
  const eve = await Guest.join(browser, fixture.link, { name: "Eve" });
  const fromEve = (data: JsonValue) => eve.client("sendEvent", data);
  const fromAgent = (data: JsonValue) => fixture.agent.sendCustomEvent(data);
  const malformed: JsonValue[] = [
    { type: "metrics" },
    { type: "metrics", voiceToVoiceMs: "<img src=x>", parts: [1, 2], bargeIns: {}, figures: "no" },
    { type: "metrics", voiceToVoiceMs: 1e300, bargeIns: null, figures: { agent: { a: "1" } } },
    { type: "metrics", parts: { endOfTurnDelayMs: 1 }, figures: [[1], { a: true }], omitted: 5 },
  ];

  for (const data of [TOLD, ...malformed]) await fromEve(data);
  await waitForMark(page, fromEve);
  for (const data of malformed) await fromAgent(data);
  await waitForMark(page, fromAgent);
  assert(await page.$("#metrics[hidden]"), "no agent has sent figures");

  await fromAgent(TOLD);
  await openFigures(page);
  assertEquals(await rows(page), SHOWN);
  for (const data of [{ ...TOLD, voiceToVoiceMs: 1, bargeIns: 99 }, ...malformed]) {
    await fromEve(data);
  }
  await waitForMark(page, fromEve);
  for (const data of malformed) await fromAgent(data);
  await waitForMark(page, fromAgent);
  assertEquals(await rows(page), SHOWN, "what came first still stands");

  const name = "<img src=x onerror=alert(1)>\u202E";
  const counts = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`counter${at}`, at]));
  const { overheadMs: _, ...some } = TOLD.parts;
  await fromAgent({
    ...TOLD,
    parts: some,
    figures: { [name]: { one: 1 }, agent: counts },
    omitted: 2,
  });
  await until("they are shown", async () => "Counter0" in await rows(page));
  const shown = await rows(page);
  assertEquals(shown["<img src=x onerror=alert(1)>: one"], "1");
  assertEquals(await page.$$("#metrics img"), []);
  assert(!("Model (LLM)" in shown), "some of the parts are not how long it took");
  assertEquals(shown["Voice to voice"], "1010 ms");
  assertEquals([shown["Components left out"], shown["Rows not shown"]], ["2", "161"]);
  assertLess(Object.keys(shown).length, 50);
  assertEquals((await lines(page)).length, 4, "of all that only the marks are in the conversation");
});

browserTest(
  "the page shows each agent's figures under its name until it leaves",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const page = await joinAsAda(browser, fixture.link);
    await openFigures(page, () => fixture.agent.sendCustomEvent(TOLD));
    const read = async () => await page.$eval("#metrics", (panel) => panel.innerText);
    assert(!/Agent/.test(await read()), "one agent's figures need no name");
    {
      await using other = new Agent({
        edge: fixture.edge,
        agentUser: { id: "other", name: "Other" },
      });
      const call = await other.createCall("default", "test");
      await using _session = await other.join(call, { participantWaitTimeoutMs: 0 });
      await other.sendCustomEvent({ ...TOLD, voiceToVoiceMs: 777 });
      await until(
        "both are shown",
        async () => /Agent.*1010 ms.*Other.*777 ms/s.test(await read()),
      );
    }
    await until("one is shown", async () => !/Agent|Other|777/.test(await read()));
    assertEquals(await rows(page), SHOWN);
  },
);
