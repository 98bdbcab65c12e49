/**
 * The examples that talk through a service, as a person runs them: by their first line, with a
 * double of the service behind `OPENAI_BASE_URL`, and people who join by the printed link.
 */
import { assert, assertAlmostEquals, assertEquals, assertLess, assertMatch } from "@std/assert";
import decodeJpeg from "@jsquash/jpeg/decode.js";
import { OPENAI_MODELS } from "@ringline/edge/openai";
import type { Browser, Page } from "../../scripts/lib/browser.ts";
import { ServiceDouble } from "../adapters/_double.ts";
import { RealtimeDouble } from "../adapters/_realtime_double.ts";
import { assertEndsWell, Example } from "./_example.ts";
import { browserTest, Guest, until } from "./_fixture.ts";
import { speech, SPEECH_RATE } from "../fixtures/speech.ts";
import { type Body, KEY, keyFor, speaking, voice } from "./_service.ts";
import { findIn, type Recording, toFloats } from "./_signal.ts";
import { utter, utterance } from "./_utterance.ts";

/** The bodies of all requests to one address. */
function asked(service: ServiceDouble, path: string): Body[] {
  return service.requests.filter((one) => one.path === path).map(({ body }) => body);
}

const chats = (service: ServiceDouble) => asked(service, "/v1/chat/completions");

/** What the page shows of the conversation. */
async function shown(guest: Guest): Promise<string[]> {
  const all = (await guest.events("event")).map(({ data }) => data)
    .filter(({ type, complete }) => type === "transcript" && complete);
  return all.map(({ name, text }) => `${name}: ${text}`);
}

async function assertShown(guest: Guest, ...lines: string[]): Promise<void> {
  const all = await until("the conversation is shown", async () => {
    const found = await shown(guest);
    return found.length >= lines.length && found;
  });
  assertEquals(all, lines);
}

/** Opens the printed link as a person would who has no microphone and listens. */
async function listen(browser: Browser, link: URL): Promise<Page> {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.evaluateOnNewDocument(
    "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))",
  );
  await page.goto(link.href);
  await page.type("#name", "Bob");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#listen", { visible: true });
  await page.click("#listen");
  return page;
}

/** 16-bit PCM of one channel as a recording. */
function recording(bytes: Uint8Array<ArrayBuffer>, sampleRate: number): Recording {
  return { sampleRate, samples: toFloats(new Int16Array(bytes.slice().buffer)) };
}

/** One recording is to be in the other, and not just something like it. */
function assertIn(part: Recording, whole: Recording): void {
  const { correlation } = findIn(part, whole);
  assert(correlation > 0.7, `correlates by ${correlation} with what was said`);
}

browserTest("local_assistant.ts takes local servers in the place of its parts", async (browser) => {
  await using service = await ServiceDouble.start(speaking({
    hears: ["What time is it?"],
    says: (messages) => messages.at(-1).role === "tool" ? "It is late." : { tool: "get_time" },
    pitch: (text) => text === "It is late." ? 900 : 500,
  }));
  const { baseUrl } = service;
  await using assistant = await Example.start("local_assistant.ts", {
    args: ["--stt", baseUrl, "--llm", baseUrl, "--tts", baseUrl, "--llm-model", "tiny"],
  });
  const guest = await Guest.join(browser, await assistant.link(), { name: "Ada" });
  await guest.hears(500);
  await assertShown(guest, "Robin: Hello, I am Robin.");
  await utter(guest);
  await assertShown(
    guest,
    "Robin: Hello, I am Robin.",
    "Ada: What time is it?",
    "Robin: It is late.",
  );
  assertEquals(chats(service)[0].model, "tiny");
  await guest.leave();
});

browserTest("the assistant greets, listens, calls its clock tool and replies", async (browser) => {
  await using service = await ServiceDouble.start(speaking({
    hears: ["What time is it?"],
    says: (messages) => {
      const { role, content } = messages.at(-1);
      if (role === "tool") return "It is late.";
      return content.endsWith("What time is it?") ? { tool: "get_time" } : "Good day!";
    },
    pitch: (text) => text === "Good day!" ? 500 : 900,
  }));
  await using assistant = await Example.start("assistant.ts", { env: keyFor(service) });
  const link = await assistant.link();
  const guest = await Guest.join(browser, link, { name: "Ada" });
  await guest.hears(500);
  await assertShown(guest, "Assistant: Good day!");
  const page = await listen(browser, link);
  await utter(guest);
  await guest.hears(900);
  await assertShown(
    guest,
    "Assistant: Good day!",
    "Ada: What time is it?",
    "Assistant: It is late.",
  );

  await until("the page shows it", async () => {
    const text = await page.evaluate("document.body.innerText") as string;
    return /Ada[^]+What time is it\?[^]+Assistant[^]+It is late\./.test(text);
  });

  for (const { headers } of service.requests) {
    assertEquals(headers.get("authorization"), `Bearer ${KEY}`);
  }
  const order = service.requests.map(({ path }) => path.split("/").at(-1));
  assertEquals(order, [
    // The keys are checked before the join.
    ...["models", "models", "completions", "realtime"],
    ...["transcriptions", "completions", "completions", "realtime"],
  ]);
  const [greeting, ...answers] = chats(service);
  assertEquals([greeting.model, greeting.stream], [OPENAI_MODELS.chat, true]);
  assertEquals(greeting.tools.map((one: Body) => one.function.name), ["get_time"]);
  assertMatch(greeting.messages[0].content, /^You are a friendly assistant/);
  const { messages } = answers.at(-1)!;
  assertEquals(messages.map(({ role }: Body) => role), [
    "system",
    "user",
    "assistant",
    "user",
    "assistant",
    "tool",
  ]);
  assertMatch(messages.at(-1).content, new RegExp(`${new Date().getFullYear()}`));
  assertEquals(
    asked(service, "/v1/realtime").map(({ response }) => response.input[0].content[0].text),
    ["Good day!", "It is late."],
  );
  const [form, ...more] = asked(service, "/v1/audio/transcriptions") as FormData[];
  assertEquals([form!.get("model"), more.length], [OPENAI_MODELS.transcription, 0]);
  const wav = await (form!.get("file") as File).bytes();
  assertIn(await utterance(), recording(wav.subarray(44), 16_000));
  await assertEndsWell(assistant);
});

browserTest("the realtime example hears a person, and is heard and read", async (browser) => {
  await using service = new RealtimeDouble();
  await using example = await Example.start("realtime.ts", { env: keyFor(service) });
  const guest = await Guest.join(browser, await example.link(), { name: "Ada" });
  const answer = (id: string, text: string, hz: number) => {
    const part = { response_id: id, item_id: `item-${id}` };
    service.send({ type: "response.created", response: { id } });
    service.send({ type: "response.output_audio_transcript.delta", ...part, delta: text });
    const delta = voice(hz).toBase64();
    service.send({ type: "response.output_audio.delta", ...part, delta });
    service.send({ type: "response.done", response: { id, status: "completed" } });
  };
  await service.message("response.create");
  const { item } = await service.message("conversation.item.create");
  assertEquals(item.content[0].text, "Greet the person who has just joined.");
  answer("1", "Good day!", 500);
  await guest.hears(500);

  const before = service.received.length;
  await utter(guest);
  const item_id = "item-of-ada";
  service.send({ type: "input_audio_buffer.speech_started", item_id });
  service.send({ type: "input_audio_buffer.speech_stopped", item_id });
  const type = "conversation.item.input_audio_transcription.completed";
  service.send({ type, item_id, transcript: "How are you?" });
  answer("2", "I am fine.", 900);
  await guest.hears(900);
  await assertShown(guest, "Realtime: Good day!", "Ada: How are you?", "Realtime: I am fine.");

  const [request] = service.requests;
  assertEquals(request?.authorization, `Bearer ${KEY}`);
  const { session } = await service.message("session.update");
  assertEquals(session.audio.output.voice, "marin");
  const sent = service.received.slice(before)
    .filter((one) => one.type === "input_audio_buffer.append")
    .map(({ audio }) => Uint8Array.fromBase64(audio));
  assertIn(await utterance(), recording(await new Blob(sent).bytes(), 24_000));
  await assertEndsWell(example);
});

browserTest("the moderator knows who speaks, and replies when addressed", async (browser) => {
  await using service = await ServiceDouble.start(speaking({
    hears: ["I want to paint it", "blue.", "Moderator, who has spoken?"],
    says: (messages) =>
      messages.at(-1).role === "tool" ? "Both of you." : { tool: "speaking_times" },
    pitch: () => 900,
  }));
  await using moderator = await Example.start("moderator.ts", { env: keyFor(service) });
  const link = await moderator.link();
  const ada = await Guest.join(browser, link, { name: "Ada" });
  const bob = await Guest.join(browser, link, { name: "Bob" });
  await utter(ada);
  await ada.hear(300);
  await utter(ada);
  await assertShown(bob, "Ada: I want to paint it blue.");
  await utter(bob);
  await Promise.all([ada.hears(900), bob.hears(900)]);
  await assertShown(
    ada,
    "Ada: I want to paint it blue.",
    "Bob: Moderator, who has spoken?",
    "Moderator: Both of you.",
  );
  const [question, result] = chats(service);
  assertEquals(chats(service).length, 2, "the model got an unexpected request");
  assertEquals(question.messages.slice(1).map(({ content }: Body) => content), [
    "Ada: I want to paint it blue.",
    "Bob: Moderator, who has spoken?",
  ]);
  const seconds = JSON.parse(result.messages.at(-1).content);
  assertEquals(Object.keys(seconds), ["Ada", "Bob"]);
  // Twice as long, and the pause between belongs to neither.
  const spokenSeconds = (await speech()).length / SPEECH_RATE;
  assertAlmostEquals(seconds.Ada, 2 * spokenSeconds, 0.5);
  assertAlmostEquals(seconds.Bob, spokenSeconds, 0.4);
  await assertEndsWell(moderator);
});

browserTest("the screen helper comments on each screen once", async (browser) => {
  await using service = await ServiceDouble.start(speaking({
    says: (messages) => messages.length === 2 ? "A first." : "Another one.",
    pitch: (text) => text === "A first." ? 500 : 900,
  }));
  await using helper = await Example.start("screen_helper.ts", { env: keyFor(service) });
  const guest = await Guest.join(browser, await helper.link(), { name: "Ada" });
  await guest.run("share", ["rgb(200, 0, 0)"]);
  await guest.hears(500);
  // Longer than it waits for a changing screen to stand still, twice.
  await guest.hear(2500);
  assertEquals(chats(service).length, 1, "it commented on a screen that did not change");
  await guest.run("share", ["rgb(0, 0, 200)"]);
  await guest.hears(900);
  await assertShown(guest, "Screen helper: A first.", "Screen helper: Another one.");

  const pictures = chats(service).map(({ messages }) => {
    return messages.at(-1).content.find(({ type }: Body) => type === "image_url").image_url.url;
  });
  assertEquals(pictures.length, 2);
  for (const [index, url] of pictures.entries()) {
    const [head, data] = url.split(",");
    assertEquals(head, "data:image/jpeg;base64");
    const jpeg = Uint8Array.fromBase64(data);
    assertLess(jpeg.length, 50_000);
    const { width, height, data: pixels } = await decodeJpeg(jpeg.buffer);
    assertEquals([width, height], [640, 480]);
    const middle = 4 * (width * height / 2 + width / 2);
    const [red, green, blue] = pixels.subarray(middle, middle + 3);
    const wanted = index === 0 ? [200, 0, 0] : [0, 0, 200];
    for (const [channel, value] of [red!, green!, blue!].entries()) {
      assertAlmostEquals(value, wanted[channel]!, 30, `picture ${index}: ${[red, green, blue]}`);
    }
  }
  await assertEndsWell(helper);
});
