/**
 * What we name and send, by the official `openai` package: which models are switched off and when,
 * what its types take, and how it writes a form. Its comments are read, since that is where it says
 * so: take a newer version now and then.
 */
import { assert, assertEquals } from "@std/assert";
import OpenAI from "npm:openai@7.57.0";
import type { AudioModel } from "npm:openai@7.57.0/resources/audio/audio";
import type { ChatCompletionCreateParamsStreaming } from "npm:openai@7.57.0/resources/chat/completions/completions";
import type {
  ResponseCreateEvent,
  SessionUpdateEvent,
} from "npm:openai@7.57.0/resources/realtime/realtime";
import type { ChatModel } from "npm:openai@7.57.0/resources/shared";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { OPENAI_MODELS, openAICompatible } from "../../src/adapters/openai/mod.ts";
import { readingRequest, readingSession } from "../../src/adapters/openai/realtime_reader.ts";
import { conversingSession } from "../../src/adapters/openai/realtime_settings.ts";
import { ask, finished } from "./_chat.ts";
import { collect, events, ServiceDouble } from "./_double.ts";
import { transcribed } from "./_stt.ts";

const PACKAGE = new URL(".", import.meta.resolve("npm:openai@7.57.0"));
const ROOT = new URL("../../", import.meta.url);
let read: ReturnType<typeof readPackage> | undefined;
const models = () => read ??= readPackage();

/** What looks like a model of OpenAI's. */
const FAMILY =
  /^(gpt|chatgpt|whisper|tts|text-embedding|codex|davinci|babbage|computer-use)-\w|^o\d(-\w|$)/;

async function texts(
  folder: URL,
  suffixes: readonly string[],
): Promise<[path: string, text: string][]> {
  const found: [path: string, text: string][] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const url = new URL(isDirectory ? `${name}/` : name, folder);
    if (isDirectory) found.push(...await texts(url, suffixes));
    else if (suffixes.some((suffix) => name.endsWith(suffix))) {
      found.push([url.href, await Deno.readTextFile(url)]);
    }
  }
  return found;
}

/** The package's models, and those of them that it says an end of, with what it says. */
async function readPackage(): Promise<{ known: Set<string>; ends: Map<string, string> }> {
  const known = new Set<string>();
  const ends = new Map<string, string>();
  const note = (name: string, end?: string) => {
    if (!FAMILY.test(name)) return;
    known.add(name);
    if (end !== undefined && !ends.has(name)) ends.set(name, end);
  };
  const types = (await texts(PACKAGE, [".d.ts"])).map(([, text]) => text);
  const comments = types.flatMap((text) => [...text.matchAll(/\/\*\*([^]*?)\*\//g)])
    .map(([, comment]) => comment!.replace(/\n\s*\*/g, " ").replace(/\s+/g, " "));
  for (const [, name] of types.join("\n").matchAll(/['"`]([\w.-]+)['"`]/g)) note(name!);
  // - "one", "two": Announced shutdown date: 2027-01-06.
  const listed = /- ((?:"[\w.-]+"(?:, )?)+): (.*?)(?= - "|$)/g;
  for (const [, names, end] of comments.flatMap((comment) => [...comment.matchAll(listed)])) {
    for (const [, name] of names!.matchAll(/"([\w.-]+)"/g)) note(name!, end!);
  }
  // The `one` and `two` models are deprecated and scheduled to shut down on January 6, 2027.
  const told = /^(.*?)\b(?:is|are|was|were)\b[^.]*?(?:deprecated|shut ?down)/i;
  for (const sentence of comments.flatMap((comment) => comment.split(/(?<=\.)\s+(?=[A-Z])/))) {
    const names = told.exec(sentence)?.[1] ?? "";
    for (const [, name] of names.matchAll(/`([\w.-]+)`/g)) note(name!, sentence);
  }
  return { known, ends };
}

/** The models that our own files name, with where. */
async function named(): Promise<{ name: string; path: string }[]> {
  const found: { name: string; path: string }[] = [];
  const suffixes = [".ts", ".js", ".md", ".json", ".py", ".html", ".yml"];
  const files = [
    ...(await Promise.all(
      ["src/", "examples/", "scripts/", "bench/", "tests/"]
        .map((folder) => texts(new URL(folder, ROOT), suffixes)),
    )).flat(),
    ...await Promise.all(["README.md", "mod.ts"].map(async (name): Promise<[string, string]> => {
      const url = new URL(name, ROOT);
      return [url.href, await Deno.readTextFile(url)];
    })),
  ];
  for (const [path, text] of files) {
    if (path === import.meta.url) continue;
    for (const [name] of text.matchAll(/(?<![\w./-])[a-z][\w-]*(?:\.\d[\w-]*)*(?![\w/-])/g)) {
      // What ends so is an option of a command line.
      if (!FAMILY.test(name) || name.endsWith("-model")) continue;
      // Without a hyphen it is one of our own names, if it does not stand in quotes.
      const isQuoted = new RegExp(`["'\`]${RegExp.escape(name)}["'\`]`).test(text);
      if (name.includes("-") || isQuoted) {
        found.push({ name, path: path.slice(ROOT.href.length) });
      }
    }
  }
  return found;
}

Deno.test("the package's comments are understood", async () => {
  const { known, ends } = await models();
  const dates = {
    "gpt-5-mini": "2026-12-11",
    "gpt-4o-mini-tts": "2027-01-06",
    "tts-1": "2027-01-06",
    "gpt-4o-mini-tts-2025-03-20": "January 6, 2027",
    "gpt-realtime": "2027-01-20",
    "gpt-4o-mini-transcribe": "2027-02-26",
    "whisper-1": "2027-02-26",
  };
  for (const [name, date] of Object.entries(dates)) {
    assert(ends.get(name)?.includes(date), `${name}: ${ends.get(name)}`);
  }
  // What it recommends is not what it ends.
  assertEquals(ends.get("gpt-realtime-2.1-mini"), undefined);
  assert(known.size > ends.size + 20, `${known.size} models, ${ends.size} with an end`);
});

Deno.test("no model that is named anywhere is going to be switched off", async () => {
  const { known, ends } = await models();
  const all = await named();
  assert(all.length > 10, `found only ${all.length} names`);
  const ending = all.filter(({ name }) => ends.has(name))
    .map(({ name, path }) => `${path}: ${name}: ${ends.get(name)}`);
  assertEquals(ending, []);
  const unknown = all.filter(({ name }) => !known.has(name));
  assertEquals(unknown.map(({ name, path }) => `${path}: ${name}`), []);
});

Deno.test("README, examples, scripts and sources name no models but those of one file", async () => {
  const ours: string[] = Object.values(OPENAI_MODELS);
  const others = (await named())
    .filter(({ name, path }) => !path.startsWith("tests/") && !ours.includes(name));
  assertEquals(others, []);
  // In the sources they are written once, beside what the docs say of defaults.
  const code = (await texts(new URL("src/", ROOT), [".ts"]))
    .map(([path, text]): [string, string] => [path, text.replace(/\/\*\*[^]*?\*\/|\/\/.*/g, "")])
    .filter(([path, text]) =>
      !path.endsWith("/openai/models.ts") && ours.some((name) => text.includes(`"${name}"`))
    );
  assertEquals(code.map(([path]) => path), []);
});

Deno.test("what is sent is what the package's types take", async () => {
  const tools = [{ name: "look", description: "Looks", parameters: { type: "object" as const } }];
  // These do not compile when it is not.
  const chat: ChatModel = OPENAI_MODELS.chat;
  const audio: AudioModel = OPENAI_MODELS.transcription;
  const conversing: SessionUpdateEvent = {
    type: "session.update",
    session: conversingSession({ voice: "marin" }, { instructions: "Be brief.", tools }) as
      & ReturnType<typeof conversingSession>
      & { audio: { input: { turn_detection: { type: "server_vad" } } } },
  };
  const reading: SessionUpdateEvent = {
    type: "session.update",
    session: readingSession({ voice: "marin" }),
  };
  const request: ResponseCreateEvent = readingRequest("id", "Good day.");
  assertEquals([chat, audio, conversing.type, reading.type, request.type].length, 5);

  await using double = await ServiceDouble.start(events([finished, "[DONE]"]));
  const llm = openAICompatible({ baseUrl: double.baseUrl }).llm({ model: OPENAI_MODELS.chat });
  await collect(llm.generate(ask({ tools })));
  // With tools this model is refused when it reasons, which it does unless told not to.
  const { reasoning_effort } = double.requests[0]!.body as ChatCompletionCreateParamsStreaming;
  assertEquals(reasoning_effort, "none");
  const own = openAICompatible({ baseUrl: double.baseUrl })
    .llm({ model: OPENAI_MODELS.chat, reasoningEffort: "low" });
  await collect(own.generate(ask()));
  assertEquals((double.requests[1]!.body as { reasoning_effort: string }).reasoning_effort, "low");
});

Deno.test("a speech segment is sent as the official client sends a file", async () => {
  await using double = await ServiceDouble.start(() => Response.json({ text: "Hello." }));
  const model = OPENAI_MODELS.transcription;
  const client = new OpenAI({ baseURL: double.baseUrl, apiKey: "key" });
  await client.audio.transcriptions.create({
    file: new File([Uint8Array.of(1)], "speech.wav"),
    model,
    response_format: "json",
    languages: ["de"],
    prompt: "Ringline",
  });
  async function* audio(): AsyncGenerator<PcmChunk, void, void> {
    yield new PcmChunk(new Int16Array(160), { sampleRate: 16_000 });
  }
  const stt = openAICompatible({ baseUrl: double.baseUrl, apiKey: "key" })
    .stt({ model, language: "de", prompt: "Ringline" });
  await transcribed(stt, audio());
  const forms = double.requests.map(({ body }) =>
    [...body as FormData].filter(([name]) => name !== "file").sort()
  );
  assertEquals(forms[1], forms[0]);
  assertEquals(double.requests[1]?.path, double.requests[0]?.path);
});
