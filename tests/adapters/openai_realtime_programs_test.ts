import { assertEquals } from "@std/assert";
import { LossyProxy } from "./_lossy_proxy.ts";
import { RealtimeDouble } from "./_realtime_double.ts";

/** What a program of these lines writes, once it has ended by itself. */
async function ran(lines: string, onReady: () => void = () => {}): Promise<string> {
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", lines],
    cwd: new URL("../../", import.meta.url),
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  let written = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    written += text;
    if (!text.includes("ready")) continue;
    onReady();
    await writer.write(new TextEncoder().encode("go\n"));
  }
  await writer.close().catch(() => {});
  assertEquals((await child.status).code, 0);
  return written;
}

const SET_UP = `
  import { openAICompatible } from "@ringline/edge/openai";
  import { openAIRealtime } from "@ringline/edge/openai-realtime";
  import { silentLogger } from "./src/events/logger.ts";
  import { systemClock as clock } from "./src/events/clock.ts";
  const { signal } = new AbortController();
  const context = { clock, logger: silentLogger, signal };
  const told = async () => {
    console.log("ready");
    await Deno.stdin.read(new Uint8Array(9));
  };
`;

Deno.test("a program with a realtime session ends although the network has lost its sockets", async () => {
  await using double = new RealtimeDouble();
  await using proxy = new LossyProxy(double);
  const service = `{ baseUrl: ${JSON.stringify(proxy.baseUrl)}, apiKey: "k" }`;
  const lines = `${SET_UP}
    const tts = openAICompatible(${service}).tts({ model: "gpt-realtime-2.1-mini", voice: "marin" });
    await tts.start(context);
    const session = await openAIRealtime(${service})
      .connect({ ...context, instructions: "", tools: [], history: [] });
    await told();
    await Promise.all([tts.close(), session[Symbol.asyncDispose]()]);
    console.log("closed");
  `;
  assertEquals(await ran(lines, () => proxy.lose()), "ready\nclosed\n");
});

Deno.test("a program that only reads a text with a realtime voice ends when it is read", async () => {
  await using double = new RealtimeDouble({
    onUpdate: (service) => {
      service.send({ type: "session.updated" });
      service.message("response.create").then(({ response: { metadata } }) => {
        service.send({ type: "response.created", response: { id: "r", metadata } });
        const delta = "AQACAA==";
        service.send({ type: "response.output_audio.delta", response_id: "r", delta });
        service.send({ type: "response.done", response: { id: "r", status: "completed" } });
      });
    },
  });
  const service = `{ baseUrl: ${JSON.stringify(double.baseUrl)} }`;
  const lines = `${SET_UP}
    const tts = openAICompatible(${service}).tts({ model: "gpt-realtime-2.1-mini", voice: "marin" });
    const speech = tts.open(context).speak();
    speech.sendText("Hello.");
    speech.end();
    for await (const { pcm } of speech) if (pcm) console.log(pcm.frames);
  `;
  assertEquals(await ran(lines), "2\n");
});
