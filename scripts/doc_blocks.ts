/**
 * Checks the types of the examples in the docs that are marked `ts ignore`: those that would serve until
 * Ctrl-C, need a service, or need what the text before them has. `deno check --doc` passes them over, and
 * `deno test --doc` would run them if they were not marked. What they take for granted is declared here.
 *
 * @module
 */
import { flags } from "./lib/command_line.ts";
import { read } from "./lib/programs.ts";

flags("scripts/doc_blocks.ts\n\nChecks the types of the examples in the docs that are not run.");

const ROOT = new URL("../", import.meta.url);

/** What an example may use that it does not create itself. */
const GIVEN: Readonly<Record<string, string>> = {
  Agent: 'import { Agent } from "@ringline/edge";',
  defineTool: 'import { defineTool } from "@ringline/edge";',
  GetStreamEdge: 'import { GetStreamEdge } from "@ringline/getstream";',
  Job: 'import type { Job } from "@ringline/edge/serve";',
  LiveKitEdge: 'import { LiveKitEdge } from "@ringline/livekit";',
  LocalEdge: 'import { LocalEdge } from "@ringline/edge/local";',
  ConversationHistory: 'import type { ConversationHistory } from "@ringline/edge";',
  MediaProcess: 'import { MediaProcess } from "@ringline/edge/media";',
  WebhookJobs: 'import { WebhookJobs } from "@ringline/edge/serve";',
  WorkerControl: 'import { WorkerControl } from "@ringline/edge/serve";',
  createServer: 'import { createServer } from "node:http";',
  openAICompatible: 'import { openAICompatible } from "@ringline/edge/openai";',
  serve: 'import { serve } from "@ringline/edge/serve";',
  agentUser: "declare const agentUser: import('@ringline/edge').User;",
  call: "declare const call: import('@ringline/edge').Call;",
  control: "declare const control: import('@ringline/edge/serve').WorkerControl;",
  forecastFor: "declare function forecastFor(city: string, userId: string): Promise<object>;",
  historyOf:
    "declare function historyOf(job: import('@ringline/edge/serve').Job): import('@ringline/edge').ConversationHistory;",
  instructions: "declare const instructions: string;",
  llm: "declare const llm: import('@ringline/edge').LLM;",
  myPage: "declare const myPage: string;",
  stt: "declare const stt: import('@ringline/edge').STT;",
  toEvent: "declare function toEvent(part: import('@ringline/edge').LLMPart): string;",
  tts: "declare const tts: import('@ringline/edge').TTS;",
  worker: "declare const worker: import('@ringline/edge/serve').AgentWorker;",
  MyServiceUnderTest: "declare const MyServiceUnderTest: new (act: unknown) => " +
    "import('@ringline/edge/testing').RealtimeUnderTest;",
};

/** The edge that an example means, by the folder of its text or what it asks of it. */
function edgeOf(path: string, code: string): string {
  if (path.includes("getstream")) {
    return "declare const edge: import('@ringline/getstream').GetStreamEdge;";
  }
  return /livekit|redis/.test(path) || /edge\.jobs\(/.test(code)
    ? "declare const edge: import('@ringline/livekit').LiveKitEdge;"
    : "declare const edge: import('@ringline/edge/local').LocalEdge;";
}

/** The agent of an example: the function of `serve`'s options, or one that there is. */
function agentOf(code: string): string {
  return /serve\(\{ agent,/.test(code)
    ? "declare const agent: import('@ringline/edge/serve').ServeOptions['agent'];"
    : "declare const agent: import('@ringline/edge').Agent;";
}

/** Packages that examples import by name alone, as a program with its own import map does. */
const PACKAGES: Readonly<Record<string, string>> = {
  "@ai-sdk/openai": "npm:@ai-sdk/openai@4.0.118",
  "npm:@ai-sdk/openai": "npm:@ai-sdk/openai@4.0.118",
  "npm:zod": "npm:zod@4.6.7",
  "@redis/client": "npm:@redis/client@6.3.1",
};
/** Of a package that this repository does not have. */
const ELEVENLABS = 'import { elevenlabs } from "@ai-sdk/elevenlabs";';
const ELEVENLABS_TYPES = "declare const elevenlabs: " +
  "{ speech(name: string): import('@ringline/ai-sdk').AiSdkSpeechModel };";

/** Examples that cannot be checked, and why. */
const UNCHECKED: Readonly<Record<string, string>> = {
  "src/media/parent/mod.ts": "leaves out most of what an edge has to have",
  "src/media/child/mod.ts": "imports a module that only the reader has",
  "src/edges/local/page/client.d.ts": "runs in a browser, with its types",
};

interface Block {
  /** Where it stands: "docs/production.md:77". */
  place: string;
  code: string;
}

function blocksOf(path: string, text: string): Block[] {
  const fence = /^([ \t]*(?:\* )?)```ts ignore[^\n]*\n([\s\S]*?)^[ \t]*(?:\* )?```$/gm;
  return [...text.matchAll(fence)].map(({ index, 2: body }) => ({
    place: `${path}:${text.slice(0, index).split("\n").length}`,
    code: path.endsWith(".md") ? body! : body!.replaceAll(/^[ \t]*\* ?/gm, ""),
  }));
}

/** Returns the block with what it takes for granted before it. */
function whole({ place, code }: Block): string {
  const given = { ...GIVEN, edge: edgeOf(place, code), agent: agentOf(code) };
  const isUsed = (name: string) => new RegExp(`(?<![.\\w"'])${name}(?![\\w"'])`).test(code);
  const isCreated = (name: string) =>
    new RegExp(`\\b(const|using|function|class) ${name}\\b|import [^;]*\\b${name}\\b[^;]* from`)
      .test(code);
  const names = Object.keys(given).filter((name) => isUsed(name) && !isCreated(name));
  const pinned = code.replace(ELEVENLABS, ELEVENLABS_TYPES)
    .replaceAll(/(?<=from ")[^"]+/g, (name) => PACKAGES[name] ?? name);
  return [...names.map((name) => given[name as keyof typeof given]), pinned, "export {};"]
    .join("\n");
}

const listed = await read("git", ["ls-files", "*.md", "src/*.ts"]);
if (!listed.success) throw new Error(listed.stderr);
const folder = await Deno.makeTempDir();
const places = new Map<string, string>();
try {
  for (const path of listed.stdout.trim().split("\n")) {
    if (path in UNCHECKED) continue;
    for (const block of blocksOf(path, await Deno.readTextFile(new URL(path, ROOT)))) {
      const file = `${block.place.replaceAll(/[^\w]/g, "_")}.ts`;
      places.set(file, block.place);
      await Deno.writeTextFile(`${folder}/${file}`, whole(block));
    }
  }
  const config = new URL("deno.json", ROOT).pathname;
  const files = [...places.keys()].map((file) => `${folder}/${file}`);
  const checked = await read(Deno.execPath(), [
    "check",
    "--quiet",
    "--frozen",
    "--config",
    config,
    ...files,
  ]);
  if (!checked.success) {
    let text = checked.stderr;
    for (const [file, place] of places) text = text.replaceAll(`file://${folder}/${file}`, place);
    console.error(text);
    Deno.exitCode = 1;
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
console.log(`${places.size} examples checked`);
