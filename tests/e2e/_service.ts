/** A double of the service that the examples with a key talk through. */
import { tone } from "@ringline/edge/testing";
import { type Answer, events, stream } from "../adapters/_double.ts";

/** The key that people have here. */
export const KEY = "sk-of-a-double";

/** What the service is sent. */
// deno-lint-ignore no-explicit-any
export type Body = any;

/** The environment of a person who has a key for this service. */
export function keyFor({ baseUrl }: { baseUrl: string }): Record<string, string> {
  return { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: baseUrl };
}

/** Returns a second of a tone, whose pitch tells the texts apart. */
export function voice(hz: number): Uint8Array<ArrayBuffer> {
  const { samples } = tone(1000, { frequencyHz: hz, sampleRate: 24_000 });
  return new Uint8Array(samples.buffer as ArrayBuffer, samples.byteOffset, samples.byteLength);
}

/** A service that hears what it is told to hear, and speaks its answers at a pitch of their own. */
export function speaking(
  script: {
    /** What the segments of speech are understood as, one after another. */
    hears?: readonly string[];
    /** The reply to these messages: words, or the call of a tool. */
    says: (messages: Body[]) => string | { tool: string };
    /** How high a text is spoken. */
    pitch: (text: string) => number;
  },
): Answer {
  const { hears = [], says, pitch } = script;
  const understood = hears.values();
  return (body: Body, path) => {
    switch (path) {
      case "/v1/audio/transcriptions":
        return Response.json({ text: understood.next().value ?? "" });
      case "/v1/audio/speech": {
        const headers = { "content-type": "audio/pcm" };
        return new Response(voice(pitch(body.input)), { headers });
      }
      case "/v1/realtime":
        return stream([voice(pitch(body.response.input[0].content[0].text))]);
      case "/v1/chat/completions": {
        const said = says(body.messages);
        const call = typeof said === "object" && { id: "call-1", function: { name: said.tool } };
        const delta = call ? { tool_calls: [call] } : { content: said };
        const end = { delta: {}, finish_reason: call ? "tool_calls" : "stop" };
        return events([{ choices: [{ delta }] }, { choices: [end] }])(body, path);
      }
      default:
        return new Response(null, { status: 404 });
    }
  };
}
