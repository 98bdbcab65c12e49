/**
 * A double of what Gemini serves over HTTP to the AI SDK: replies, speech, and transcripts of files. What
 * it sends has the types of the vendor's own package.
 */
import type { Candidate, GenerateContentResponse, Part } from "npm:@google/genai@3.3.0";
import { writeWav } from "../../../src/audio/wav.ts";
import { tone } from "../../../src/testing/sounds.ts";
import { events, ServiceDouble } from "../_double.ts";

/** Replies with these parts. */
function reply(parts: Part[]): Pick<GenerateContentResponse, "candidates"> {
  const candidate = { content: { role: "model", parts }, finishReason: "STOP", index: 0 };
  return { candidates: [candidate as Candidate] };
}

/** Starts one: it says a tone, understands a text, and calls a tool before it replies. */
export function startGeminiHttp(
  { hears, says, call }: { hears: string; says: string; call: { name: string; args: object } },
): Promise<ServiceDouble> {
  return ServiceDouble.start((body, path) => {
    if (path.endsWith("/interactions")) {
      return Response.json({
        steps: [{ type: "model", content: [{ type: "text", text: hears }] }],
      });
    }
    if (path.endsWith(":generateContent")) {
      const data = writeWav(tone(1500, { sampleRate: 24_000 })).toBase64();
      return Response.json(reply([{ inlineData: { mimeType: "audio/wav", data } }]));
    }
    if (!path.includes(":streamGenerateContent")) return new Response(null, { status: 404 });
    const hasResult = JSON.stringify(body).includes("functionResponse");
    const functionCall = { id: "call_1", ...call, args: { ...call.args } };
    return events([reply([hasResult ? { text: says } : { functionCall }])])(body, path);
  });
}
