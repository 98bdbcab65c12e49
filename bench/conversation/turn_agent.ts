/** The parts of the benchmark's agent by which turns end, and a model that calls a tool. @module */
import { delay } from "@std/async/delay";
import {
  type AgentOptions,
  defineTool,
  type LLM,
  punctuationEndpointing,
  sttFromTranscriber,
  systemClock,
} from "../../mod.ts";
import { smartTurn } from "../../src/adapters/smart_turn/mod.ts";
import { FakeSTT, type FakeTranscript } from "../../src/testing/fake_stt.ts";
import { LLM_MS, RECOGNISER_MS, TOOL_MS } from "./script.ts";

/** How turns end: by silence alone, punctuation, a turn model, or the recogniser. */
export const TURN_KINDS = ["silence", "punctuation", "smart-turn", "recogniser"] as const;
/** One of them. */
export type TurnKind = (typeof TURN_KINDS)[number];

/** What the agent's parts do next. */
export interface TurnScript {
  /** Whether the model calls a tool before it replies. */
  usesTool: boolean;
  /** Whether the person has gone on after the pause in their turn. */
  hasResumed: boolean;
}

/** Its final text ends with a full stop, in the middle of a turn, too. */
const pieces = () =>
  sttFromTranscriber({
    name: "scripted-stt",
    async *transcribe(audio) {
      for await (const _ of audio);
      await delay(RECOGNISER_MS);
      yield { text: "Please tell me something.", final: true };
    },
  });

/** A recogniser that is assumed to know what a person still has to say, and waits for that. */
function turns(script: TurnScript): FakeSTT {
  const turn: FakeTranscript = {
    text: "Please tell me something.",
    get endsAfterMs() {
      return script.hasResumed ? RECOGNISER_MS : Infinity;
    },
  };
  return new FakeSTT(systemClock, Array.from({ length: 1000 }, () => turn), { detectsTurns: true });
}

/** Returns the options of an agent whose turns end in one of the ways. */
export function turnParts(
  kind: TurnKind,
  script: TurnScript,
): Pick<AgentOptions, "llm" | "stt" | "tools" | "turnHandling"> {
  const llm: LLM = {
    name: "scripted-llm",
    async *generate({ messages }) {
      await delay(LLM_MS);
      if (!script.usesTool || messages.at(-1)?.role === "tool") {
        yield { type: "text", text: "A short reply." };
        return;
      }
      yield { type: "tool-call", call: { id: crypto.randomUUID(), name: "look", input: {} } };
    },
  };
  const look = defineTool({
    name: "look",
    description: "Looks something up",
    execute: async () => {
      await delay(TOOL_MS);
      return "It is there.";
    },
  });
  const turnDetection = kind === "punctuation"
    ? punctuationEndpointing()
    : kind === "smart-turn"
    ? smartTurn()
    : undefined;
  return {
    llm,
    stt: kind === "recogniser" ? turns(script) : pieces(),
    tools: [look],
    ...turnDetection && { turnHandling: { turnDetection } },
  };
}
