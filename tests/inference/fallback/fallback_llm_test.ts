import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { LLM, LLMPart } from "../../../src/inference/contracts/llm.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import { FallbackLLM } from "../../../src/inference/fallback/fallback_llm.ts";
import { FakeLLM, type FakeReply, VirtualClock } from "../../../src/testing/mod.ts";

const { signal } = new AbortController();

/** An event of health, as `[component, healthy]`. */
type Health = [component: string, healthy: boolean];

/** A fallback of models that follow scripts, started by an agent. */
async function start(clock: VirtualClock, scripts: readonly FakeReply[][]) {
  const llms = scripts.map((script) => new FakeLLM(clock, script));
  const llm = new FallbackLLM(llms, { timeoutMs: 1000 });
  const health: Health[] = [];
  const emit = (event: object) => {
    const { index, healthy } = event as { index: number; healthy: boolean };
    health.push([`${index}`, healthy]);
  };
  await llm.start({ clock, logger: silentLogger, signal, emit });
  return { llm, llms, health };
}

async function ask(
  clock: VirtualClock,
  llm: LLM,
): Promise<{ text: string; parts: LLMPart[]; error: unknown; tookMs: number }> {
  const startMs = clock.now();
  const parts: LLMPart[] = [];
  const reading = (async () => {
    const messages = [{ role: "user" as const, text: "Hello" }];
    for await (const part of llm.generate({ messages, tools: [], signal })) parts.push(part);
  })();
  const error = await clock.until(reading.then(() => undefined, (error) => error), 60_000);
  const text = parts.map((part) => part.type === "text" ? part.text : "").join("");
  return { text, parts, error, tookMs: clock.now() - startMs };
}

const outage = new InferenceError("the service is down", { code: "failed", retryable: true });
const denied = new InferenceError("no such key", { code: "unauthorized", status: 401 });

Deno.test("FallbackLLM asks the next model when one fails or says nothing in time", async () => {
  const failures: [reply: FakeReply, tookMs: number][] = [
    [{ error: outage }, 0],
    [{ error: new TypeError("a bug") }, 0],
    [{ hangs: true }, 1000],
    [{ text: "Late.", firstTokenMs: 5000 }, 1000],
  ];
  for (const [reply, tookMs] of failures) {
    const clock = new VirtualClock();
    const { llm, llms, health } = await start(clock, [[reply], ["Here."]]);
    const first = await ask(clock, llm);
    assertEquals([first.text, first.error, first.tookMs], ["Here.", undefined, tookMs]);
    assertEquals(health, [["0", false]]);
    // The next reply does not wait for it again.
    assertEquals([(await ask(clock, llm)).tookMs, llms[0]!.requests.length], [0, 1]);
    await llm.close();
    assertEquals(clock.pending, 0);
  }
});

Deno.test("FallbackLLM takes no metadata for a first token", async () => {
  const clock = new VirtualClock();
  const talkative: LLM = {
    name: "talkative",
    async *generate({ signal }) {
      for (;;) {
        yield { type: "usage", inputTokens: 1, outputTokens: 0 };
        yield { type: "text", text: "" };
        const { promise, reject } = Promise.withResolvers<void>();
        using _timer = clock.schedule(() => reject(new Error("too late")), 5000);
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        await promise;
      }
    },
  };
  const llm = new FallbackLLM([talkative, new FakeLLM(clock, ["Here."])], { timeoutMs: 1000 });
  await llm.start({ clock, logger: silentLogger, signal });
  const { text, tookMs } = await ask(clock, llm);
  assertEquals([text, tookMs], ["Here.", 1000]);
  await llm.close();
});

Deno.test("FallbackLLM tries a model that failed again in the background, and tells its health", async () => {
  const clock = new VirtualClock();
  const { llm, llms, health } = await start(clock, [
    [{ error: outage }, { error: outage }, "OK.", "Back."],
    ["Here."],
  ]);
  await ask(clock, llm);
  await clock.advance(2000);
  assertEquals([llms[0]!.requests.length, health], [2, [["0", false]]]);
  await clock.advance(4000);
  assertEquals(health, [["0", false], ["0", true]]);
  assertEquals((await ask(clock, llm)).text, "Back.");
  await llm.close();
  assertEquals(clock.pending, 0);
});

Deno.test("FallbackLLM tries no model again whose error says that it is of no use", async () => {
  const clock = new VirtualClock();
  const { llm, llms, health } = await start(clock, [[{ error: denied }, "Back."], ["Here."]]);
  assertEquals((await ask(clock, llm)).text, "Here.");
  await clock.advance(600_000);
  assertEquals([llms[0]!.requests.length, health], [1, [["0", false]]]);
  // A request that a model cannot take says nothing about its health.
  const tooLong = new InferenceError("too long", { code: "refused", status: 413 });
  const other = await start(clock, [[{ error: tooLong }, "Back."], ["Here."]]);
  assertEquals((await ask(clock, other.llm)).text, "Here.");
  assertEquals((await ask(clock, other.llm)).text, "Back.");
  assertEquals(other.health, []);
});

Deno.test("FallbackLLM goes on at the next sentence with the next model", async () => {
  const clock = new VirtualClock();
  const { llm, llms } = await start(clock, [
    [{ text: "One is first. Two is second. Three is th", tokenMs: 10, error: outage }],
    ["Three is third."],
  ]);
  const { text } = await ask(clock, llm);
  assertEquals(text, "One is first. Two is second. Three is third.");
  const [user, said, note] = llms[1]!.requests[0]!.messages;
  assertEquals([user?.text, said?.role, said?.text], [
    "Hello",
    "assistant",
    "One is first. Two is second. ",
  ]);
  assertEquals(note?.role, "user");
});

Deno.test("FallbackLLM drops the calls of a model that failed, so that nothing is done twice", async () => {
  const clock = new VirtualClock();
  const book = { type: "tool-call" as const, call: { id: "1", name: "book", input: {} } };
  const breaking: LLM = {
    name: "breaking",
    async *generate() {
      yield book;
      throw outage;
    },
  };
  const second = new FakeLLM(clock, [{
    text: "One moment.",
    calls: [{ name: "book", input: {} }],
  }]);
  const llm = new FallbackLLM([breaking, second]);
  const { parts } = await ask(clock, llm);
  assertEquals(parts.map(({ type }) => type), ["text", "text", "tool-call"]);
});

Deno.test("FallbackLLM says why when no model replies", async () => {
  const clock = new VirtualClock();
  const { llm } = await start(clock, [[{ error: outage }], [{ error: denied }]]);
  const { error } = await ask(clock, llm);
  assertInstanceOf(error, InferenceError);
  assertEquals(error.message, "no model replied: the service is down; no such key");
  assertEquals([error.code, error.retryable], ["all-failed", true]);
  // All are asked again: one may be back.
  assertInstanceOf((await ask(clock, llm)).error, InferenceError);
  await llm.close();
});

Deno.test("FallbackLLM ends with the signal's reason, and asks no other model", async () => {
  const clock = new VirtualClock();
  const llms = [new FakeLLM(clock, [{ hangs: true }]), new FakeLLM(clock, ["Here."])];
  const llm = new FallbackLLM(llms);
  const controller = new AbortController();
  const request = { messages: [], tools: [], signal: controller.signal };
  const reading = Array.fromAsync(llm.generate(request));
  await clock.advance(100);
  controller.abort(new Error("changed my mind"));
  await assertRejects(() => reading, Error, "changed my mind");
  assertEquals(llms[1]!.requests.length, 0);
  assertEquals(clock.pending, 0);
});

Deno.test("FallbackLLM finds at the start what cannot work, and lets an outage pass", async () => {
  const clock = new VirtualClock();
  const context = { clock, logger: silentLogger, signal };
  const noKey = new InferenceError("there is no key", { code: "no-key" });
  let open = 0;
  const part = (error?: unknown): LLM => ({
    name: "part",
    start() {
      if (error) throw error;
      open++;
    },
    close: () => void open--,
    async *generate() {
      yield { type: "text", text: "Here." };
    },
  });
  for (const errors of [[denied, denied], [noKey, undefined], [noKey, outage], [denied]]) {
    const llm = new FallbackLLM(errors.map(part));
    const error = await assertRejects(() => llm.start(context));
    assertEquals(error, errors[0]);
    assertEquals(open, 0);
  }
  for (const errors of [[denied, undefined], [outage, outage], [denied, outage]]) {
    const llm = new FallbackLLM(errors.map(part));
    await llm.start(context);
    await llm.start(context);
    assertEquals(llm.metrics().healthyComponents, errors.filter((one) => !one).length);
    await llm.close();
    await llm.close();
    assertEquals([open, clock.pending], [0, 0]);
  }
});

Deno.test("FallbackLLM starts a model late that could not be reached at first", async () => {
  const clock = new VirtualClock();
  let starts = 0;
  const late: LLM = {
    name: "late",
    start() {
      if (++starts === 1) throw outage;
    },
    async *generate() {
      yield { type: "text", text: "Here." };
    },
  };
  const llm = new FallbackLLM([late, new FakeLLM(clock, ["Instead."])]);
  await llm.start({ clock, logger: silentLogger, signal });
  assertEquals((await ask(clock, llm)).text, "Instead.");
  await clock.advance(2000);
  assertEquals([starts, (await ask(clock, llm)).text], [2, "Here."]);
  await llm.close();
});

Deno.test("FallbackLLM refuses what is no list of models", () => {
  assertThrows(() => new FallbackLLM([]), TypeError, "FallbackLLM");
  const one = new FakeLLM(new VirtualClock());
  assertThrows(() => new FallbackLLM([one, one]), TypeError, "each component once");
  assertThrows(() => new FallbackLLM([{} as LLM]), TypeError, "FallbackLLM[0]");
  assertThrows(() => new FallbackLLM([one], { timeoutMs: -1 }));
});

Deno.test("FallbackLLM shows images only to models that accept them", async () => {
  const clock = new VirtualClock();
  const llms = [new FakeLLM(clock, [{ error: outage }]), new FakeLLM(clock, ["Here."])];
  llms[0]!.acceptsImages = true;
  const llm = new FallbackLLM(llms);
  await llm.start({ clock, logger: silentLogger, signal });
  assertEquals(llm.acceptsImages, true);
  const image = { mediaType: "image/png" as const, data: new Uint8Array(1), width: 1, height: 1 };
  const messages = [{ role: "user" as const, text: "What is it?", images: [image] }];
  await clock.until(Array.fromAsync(llm.generate({ messages, tools: [], signal })));
  assertEquals(llms.map(({ requests }) => requests[0]!.messages[0]), [
    messages[0],
    { role: "user", text: "What is it?" },
  ]);
  await llm.close();
});

Deno.test("FallbackLLM loses no sentence and repeats none, wherever models fail", async () => {
  const sentences = ["One is one. ", "Two is two. ", "Three is three. ", "Four is four."];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(60), { maxLength: 3 }), async (cuts) => {
      const clock = new VirtualClock();
      /** Goes on after what was said, and breaks off after so many characters. */
      const model = (cut: number): LLM => ({
        name: "model",
        async *generate({ messages }) {
          const said = messages.map((one) => one.role === "assistant" ? one.text : "").join("");
          const rest = sentences.join("").slice(said.length);
          for (const word of rest.slice(0, cut).match(/\S+\s*/g) ?? []) {
            yield { type: "text", text: word };
          }
          if (cut < rest.length) throw outage;
        },
      });
      const llm = new FallbackLLM([...cuts, Infinity].map(model));
      const { text, error } = await ask(clock, llm);
      assertEquals([text, error], [sentences.join(""), undefined]);
    }),
    { numRuns: 100, seed: 7 },
  );
});

Deno.test("FallbackLLM names the model that was asked, for telemetry", async () => {
  const clock = new VirtualClock();
  const llm = new FallbackLLM([
    Object.assign(new FakeLLM(clock, [{ error: outage }]), { model: "large", provider: "one" }),
    Object.assign(new FakeLLM(clock, ["Here."]), { model: "small", provider: "two" }),
  ]);
  await llm.start({ clock, logger: silentLogger, signal, emit: () => {} });
  assertEquals([llm.model, llm.provider], [undefined, undefined]);
  assertEquals((await ask(clock, llm)).text, "Here.");
  assertEquals([llm.model, llm.provider], ["small", "two"]);
  await llm.close();
});
