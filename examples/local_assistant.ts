// deno run --allow-run --allow-read --allow-env --allow-ffi --allow-sys --allow-net=127.0.0.1,localhost examples/local_assistant.ts
/**
 * A small assistant without a key and without a network: PocketSphinx recognises
 * some sentences (`apt install libpocketsphinx3 pocketsphinx-en-us`), plain rules reply, and eSpeak NG
 * speaks (GPL-3: see `lib/espeak_voice.ts`). Ask it for the time, a timer, a
 * story or its name; interrupt it, and ask what it said.
 *
 * A server with OpenAI's interface on your machine takes the place of each of them: `--stt
 * http://127.0.0.1:8000/v1`, `--llm` and `--tts` likewise, with `--stt-model`, `--llm-model`,
 * `--tts-model` and `--voice` where it has several.
 */
import {
  Agent,
  type ChatMessage,
  defineTool,
  type EdgeTransport,
  fixedEndpointing,
  type LLM,
  type STT,
  sttFromTranscriber,
  type TTS,
  ttsFromSentences,
} from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { openAICompatible } from "@ringline/edge/openai";
import { EspeakVoice } from "./lib/espeak_voice.ts";
import { PocketSphinx } from "./lib/pocket_sphinx.ts";
import { commandLine, run, usable, wrongCommandLine } from "./lib/program.ts";
import { type Rule, RulesLLM } from "./lib/rules_llm.ts";

const NUMBERS = [
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "twenty",
  "thirty",
];
const VALUES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30];

const GRAMMAR = `#JSGF V1.0;
grammar assistant;
public <said> = <greeting> | <question> | <timer> | <wish> | <sign>;
<greeting> = hello | hi | hello there | good morning | good evening | good bye | thank you;
<question> = what time is it | what is the time | what is your name | who are you |
  how are you | what can you do | what did you say;
<timer> = [please] set a timer for <number> (seconds | minutes | minute);
<number> = ${NUMBERS.join(" | ")};
<wish> = [please] tell me a story | [please] tell me a joke | stop | stop it | be quiet | front center;
<sign> = yes | yeah | no | okay;
`;

const STORY =
  "Once upon a time there was a small radio that had no listeners. Every night it sang " +
  "to the lamp, and the lamp grew warm. One day a child came in, and turned the radio up. " +
  "Since then the whole house sings. That is the end of the story.";

const RULES: Rule[] = [
  { when: /\b(hello|hi|good (morning|evening))\b/, then: () => "Hello! What can I do for you?" },
  {
    when: /time/,
    then: (found) =>
      /timer/.test(found.input) ? timer(found.input) : {
        tool: "get_time",
        input: {},
        say: (time) => `It is ${time}.`,
      },
  },
  { when: /your name|who are you/, then: () => "My name is Robin. I live on your computer." },
  { when: /how are you/, then: () => "I am fine, thank you." },
  { when: /what can you do/, then: () => "I can tell the time, set a timer, or tell you a story." },
  { when: /story/, then: () => STORY },
  { when: /joke/, then: () => "Why do robots never get lost? They always follow the rules." },
  { when: /what did you say/, then: (_, messages) => whatWasHeard(messages) },
  // A person who asks for silence gets it.
  { when: /stop|be quiet/, then: () => "" },
  { when: /thank you/, then: () => "You are welcome." },
  { when: /good bye/, then: () => "Good bye!" },
  { when: /front center/, then: () => "You sound like a loudspeaker test." },
  { when: /yes|yeah|okay/, then: () => "Good." },
  { when: /\bno\b/, then: () => "Then not." },
];

function timer(text: string): ReturnType<Rule["then"]> {
  const [, word = "one", unit = "seconds"] = /for (\w+) (\w+)/.exec(text) ?? [];
  const amount = VALUES[NUMBERS.indexOf(word)] ?? 1;
  const seconds = unit.startsWith("minute") ? 60 * amount : amount;
  return {
    tool: "set_timer",
    input: { seconds },
    say: () => `I will tell you in ${word} ${unit}.`,
  };
}

/** The model remembers what was heard of it, not what it was going to say. */
function whatWasHeard(messages: readonly ChatMessage[]): string {
  const last = messages.findLast((one) => one.role === "assistant" && /\S/.test(one.text));
  return last ? `I said: ${last.text}` : "I have not said anything yet.";
}

/** The parts in the place of the assistant's own. */
export interface LocalParts {
  stt?: STT;
  llm?: LLM;
  tts?: TTS;
}

/** The assistant, for any edge. */
export function localAssistant(edge: EdgeTransport, parts: LocalParts = {}): Agent {
  const timers = new Set<Disposable>();
  const agent: Agent = new Agent({
    edge,
    agentUser: { id: "robin", name: "Robin" },
    // A timer that is left would keep the program from ending.
    processors: [{ name: "timers", close: () => timers.forEach((one) => one[Symbol.dispose]()) }],
    instructions: "You are Robin, who lives on a person's computer. What you write is spoken: " +
      "answer in one or two short sentences.",
    stt: parts.stt ?? sttFromTranscriber(new PocketSphinx(GRAMMAR)),
    turnHandling: { turnDetection: fixedEndpointing(500) },
    llm: parts.llm ?? new RulesLLM(RULES, "I did not understand that."),
    tts: parts.tts ?? ttsFromSentences(new EspeakVoice()),
    tools: [
      defineTool({
        name: "get_time",
        description: "The time of day",
        execute: () =>
          new Date().toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit" }),
      }),
      defineTool({
        name: "set_timer",
        description: "Tells when so many seconds have passed",
        parameters: {
          type: "object",
          properties: { seconds: { type: "number" } },
          required: ["seconds"],
        },
        execute: ({ seconds }) => {
          const timer = agent.clock.schedule(() => {
            timers.delete(timer);
            agent.say("Your time is up!").catch(() => {});
          }, seconds * 1000);
          timers.add(timer);
        },
      }),
    ],
    broadcastMetrics: true,
  });
  return agent;
}

/** Returns the parts that are servers on this machine, by their addresses. */
function localServers(
  options: Record<"stt" | "llm" | "tts" | `${string}-model` | "voice", string>,
) {
  const parts: LocalParts = {};
  const model = (part: "stt" | "llm" | "tts") => options[`${part}-model`] || "default";
  const at = (baseUrl: string) => {
    if (!URL.canParse(baseUrl)) {
      wrongCommandLine(`expected an address like http://127.0.0.1:8000/v1, got "${baseUrl}"`);
    }
    return openAICompatible({ baseUrl });
  };
  if (options.stt) parts.stt = at(options.stt).stt({ model: model("stt"), api: "transcriptions" });
  if (options.llm) parts.llm = at(options.llm).llm({ model: model("llm") });
  if (options.tts) {
    const voice = options.voice || "default";
    parts.tts = at(options.tts).tts({ model: model("tts"), api: "speech", voice });
  }
  return parts;
}

if (import.meta.main) {
  const options = commandLine({
    port: 0,
    stt: "",
    "stt-model": "",
    llm: "",
    "llm-model": "",
    tts: "",
    "tts-model": "",
    voice: "",
  });
  await run(async (signal) => {
    await using edge = await usable(() => new LocalEdge({ port: options.port }));
    const agent = localAssistant(edge, localServers(options));
    const call = await agent.createCall("default", "assistant");
    await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
    await edge.openDemo(call, { signal });
    await agent.waitForParticipant({ signal });
    void agent.say("Hello, I am Robin.");
    await agent.finish({ signal });
  });
}
