/** `deno task verify` as a person runs it, in front of the doubles of all services. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { SENTENCE } from "../../scripts/verify/rounds.ts";
import { recorded } from "../../scripts/verify/record.ts";
import { SERVICES } from "../../scripts/verify/services.ts";
import { events, ServiceDouble, stream } from "../adapters/_double.ts";
import { RealtimeService } from "../adapters/_realtime_service.ts";
import { startCartesia } from "../adapters/cartesia/_double.ts";
import { startDeepgram } from "../adapters/deepgram/_double.ts";
import { startElevenLabs } from "../adapters/elevenlabs/_double.ts";
import { startGemini } from "../adapters/gemini/_double.ts";
import { startGeminiHttp } from "../adapters/gemini/_http_double.ts";
import { startTranscription } from "../adapters/openai_transcription/_double.ts";
import { voice } from "../e2e/_service.ts";
import { until } from "../fixtures/until.ts";
import { freePort } from "../fixtures/free_port.ts";

const ROOT = new URL("../../", import.meta.url);
const REPLY = "A small red animal.";
const said = [{ text: SENTENCE, audioMs: 1500 }];

/** The program, as a person starts it. */
class Program {
  readonly #child: Deno.ChildProcess;
  stdout = "";
  stderr = "";
  readonly #reading: Promise<unknown>;

  constructor(args: string[], env: Record<string, string>) {
    const known = SERVICES.flatMap(({ keys, baseUrl }) => [...keys, baseUrl]);
    const rest = Object.entries(Deno.env.toObject()).filter(([name]) => !known.includes(name));
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", "--no-check", "scripts/verify.ts", ...args],
      env: { ...Object.fromEntries(rest), NO_COLOR: "1", ...env },
      clearEnv: true,
      cwd: ROOT,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const read = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
    };
    this.#reading = Promise.all([
      read(this.#child.stdout, (text) => this.stdout += text),
      read(this.#child.stderr, (text) => this.stderr += text),
    ]);
  }

  interrupt(): void {
    this.#child.kill("SIGINT");
  }

  async code(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  /** The lines of its table, without runs of blanks. */
  get lines(): string[] {
    return this.stdout.split("\n").map((line) => line.replaceAll(/ {2,}/g, " | ")).filter(Boolean);
  }
}

/** Sends each connection on to the port that is chosen by the request's path and query. */
function route(choose: (target: string) => string): AsyncDisposable & { baseUrl: string } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  const join = async (client: Deno.TcpConn) => {
    open.add(client);
    const head = new Uint8Array(65_536);
    const size = await client.read(head) ?? 0;
    const [, target = "/"] = new TextDecoder().decode(head.subarray(0, size)).split(" ", 2);
    const { hostname, port } = new URL(choose(target));
    const service = await Deno.connect({ hostname, port: Number(port) });
    open.add(service);
    await service.write(head.subarray(0, size));
    await Promise.all([
      client.readable.pipeTo(service.writable),
      service.readable.pipeTo(client.writable),
    ]);
  };
  const serving = (async () => {
    for await (const client of listener) join(client).catch(() => {});
  })();
  return {
    baseUrl: `http://127.0.0.1:${listener.addr.port}`,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await serving;
      for (const one of open) {
        try {
          one.close();
        } catch { /* it is closed */ }
      }
    },
  };
}

const call = { id: "call_1", name: "look_up", arguments: '{"word":"fox"}' };

/** Replies by `/chat/completions`, and by `/responses`, which the AI SDK uses. */
function replies(path: string, hasResult: boolean): Response | Promise<Response> {
  if (path === "/v1/chat/completions") {
    const { id, ...fn } = call;
    const delta = hasResult ? { content: REPLY } : { tool_calls: [{ index: 0, id, function: fn }] };
    const end = { delta: {}, finish_reason: hasResult ? "stop" : "tool_calls" };
    return events([{ choices: [{ delta }] }, { choices: [end] }])(undefined, path);
  }
  const response = { id: "resp_1", object: "response", created_at: 1, model: "m" };
  const usage = {
    input_tokens: 9,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 4,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 13,
  };
  const { id: call_id, ...rest } = call;
  const item = hasResult
    ? { type: "message", id: "msg_1", role: "assistant", content: [], status: "in_progress" }
    : { type: "function_call", id: "fc_1", call_id, ...rest, status: "completed" };
  const list = [
    { type: "response.created", response },
    { type: "response.output_item.added", output_index: 0, item },
    ...hasResult
      ? [{
        type: "response.output_text.delta",
        item_id: "msg_1",
        output_index: 0,
        content_index: 0,
        delta: REPLY,
      }]
      : [],
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: { ...response, status: "completed", usage } },
  ];
  return events(list.map((one, sequence_number) => ({ ...one, sequence_number })))(undefined, path);
}

/** Starts doubles of all that OpenAI has, at one address. */
async function startOpenAI() {
  const all = new AsyncDisposableStack();
  const http = all.use(
    // deno-lint-ignore no-explicit-any
    await ServiceDouble.start((body: any, path) => {
      if (path === "/v1/audio/transcriptions") return Response.json({ text: SENTENCE });
      if (path === "/v1/realtime") return stream([voice(500), voice(500)]);
      const list = body.messages ?? body.input;
      // deno-lint-ignore no-explicit-any
      const hasResult = list.some((one: any) => /tool|call_output/.test(one.role ?? one.type));
      return replies(path, hasResult);
    }),
  );
  const transcription = all.use(await startTranscription(said));
  const realtime = all.use(
    new RealtimeService({
      script: [{ text: SENTENCE }, { text: "Nice." }, { text: SENTENCE }, { text: "Nice." }],
      heard: [SENTENCE, SENTENCE],
    }),
  );
  const { baseUrl } = all.use(route((target) => {
    if (target.includes("intent=transcription")) return transcription.baseUrl;
    const isMini = target.includes("mini");
    return target.startsWith("/v1/realtime") && !isMini ? realtime.baseUrl : http.baseUrl;
  }));
  return Object.assign(all, { baseUrl: `${baseUrl}/v1` });
}

Deno.test("verify tries each service that has a key, and records nothing of a double", async () => {
  await using openai = await startOpenAI();
  await using deepgram = await startDeepgram(said);
  await using elevenLabs = await startElevenLabs(said);
  await using cartesia = await startCartesia(said);
  await using live = await startGemini({ converses: { says: SENTENCE, hears: SENTENCE } });
  await using http = await startGeminiHttp({
    hears: SENTENCE,
    says: REPLY,
    call: { name: call.name, args: JSON.parse(call.arguments) },
  });
  await using gemini = route((target) => target.startsWith("/ws/") ? live.baseUrl : http.baseUrl);
  const before = await Deno.readTextFile(new URL("docs/verified.md", ROOT));
  const program = new Program(["openai", "deepgram", "elevenlabs", "cartesia", "google"], {
    OPENAI_API_KEY: "key-o",
    OPENAI_BASE_URL: openai.baseUrl,
    DEEPGRAM_API_KEY: "key-d",
    DEEPGRAM_BASE_URL: deepgram.baseUrl,
    ELEVENLABS_API_KEY: "key-e",
    ELEVENLABS_BASE_URL: elevenLabs.baseUrl,
    CARTESIA_API_KEY: "key-c",
    CARTESIA_BASE_URL: cartesia.baseUrl,
    GEMINI_API_KEY: "key-g",
    GEMINI_BASE_URL: gemini.baseUrl,
  });
  assertEquals(await program.code(), 0, program.stdout + program.stderr);
  const passed = program.lines.filter((line) => line.includes("| ok |"));
  const all = SERVICES.filter(({ id }) => id !== "stream").flatMap(({ rounds }) => rounds);
  assertEquals(passed.length, all.length, program.stdout);
  assertStringIncludes(program.stdout, "1500 ms of sound");
  assertStringIncludes(program.stdout, `{"word":"fox"}, then "${REPLY}"`);
  assertEquals(program.stdout.match(/^Not recorded: /gm)?.length, 5);
  assertEquals(await Deno.readTextFile(new URL("docs/verified.md", ROOT)), before);
});

Deno.test("verify says what a service refuses, without the key, and that another is dead", async () => {
  await using refusing = await startDeepgram([{ status: 401, message: "Invalid key-secret." }]);
  const dead = `http://127.0.0.1:${freePort()}`;
  const program = new Program(["deepgram", "cartesia", "stream"], {
    DEEPGRAM_API_KEY: "key-secret",
    DEEPGRAM_BASE_URL: refusing.baseUrl,
    CARTESIA_API_KEY: "key-c",
    CARTESIA_BASE_URL: dead,
    STREAM_API_KEY: "key-s",
    STREAM_API_SECRET: "secret-s",
    STREAM_BASE_URL: dead,
  });
  assertEquals(await program.code(), 1, program.stderr);
  const [speaks, , hears] = program.lines;
  assert(/^Deepgram \| speaks .*\| FAILED \| .*401/.test(speaks!), program.stdout + program.stderr);
  assert(/^Deepgram \| recognises .*\| FAILED \| not tried: no voice/.test(hears!), hears);
  assert(/^Cartesia \| speaks .*FAILED/m.test(program.lines.join("\n")), program.stdout);
  assert(
    /^Stream \|.*FAILED \| .*cannot be reached/m.test(program.lines.join("\n")),
    program.stdout,
  );
  assert(!/key-secret|secret-s/.test(program.stdout + program.stderr), program.stdout);
});

Deno.test("verify stops at Ctrl-C, and shows what there was", async () => {
  await using service = await startDeepgram([{ end: "silent" }]);
  const program = new Program(["deepgram"], {
    DEEPGRAM_API_KEY: "key",
    DEEPGRAM_BASE_URL: service.baseUrl,
  });
  await until("the voice is asked", () => service.requests > 0, 60_000);
  program.interrupt();
  assertEquals(await program.code(), 130, program.stderr);
  assert(/^Deepgram \| speaks .*\| not tried \| stopped/.test(program.lines[0]!), program.stdout);
});

Deno.test("verify says what to set where there is no key, and names a service that is none", async () => {
  const none = new Program([], {});
  assertEquals(await none.code(), 2, none.stderr);
  for (const { keys } of SERVICES) assertStringIncludes(none.stderr, keys.join(" and "));
  const wrong = new Program(["unknown"], {});
  assertEquals(await wrong.code(), 2, wrong.stderr);
  assertStringIncludes(wrong.stderr, "no such service: unknown");
  assert(!/^ +at /m.test(none.stderr + wrong.stderr));
});

Deno.test("the record of what was seen keeps what worked before, and each service that is tried", async () => {
  const page = await Deno.readTextFile(new URL("docs/verified.md", ROOT));
  assertEquals(recorded(page, [], "2026-12-01"), page, "write the page anew: a round has changed");
  const [{ name: service, rounds: [{ name: round } = { name: "" }] }] = SERVICES as [
    typeof SERVICES[0],
  ];
  const seen = { service, round, passed: true, detail: "1 | 2\n*3*" };
  const first = recorded(page, [seen], "2026-12-01");
  const second = recorded(first, [{ ...seen, passed: false, detail: "no" }], "2026-12-02");
  const line = (text: string) =>
    text.split("\n").find((one) => one.includes(round))!.replaceAll(/ +/g, " ");
  assertEquals(
    line(first),
    `| ${service} | ${round} | 2026-12-01: 1 \\| 2 \\*3\\* | 2026-12-01 |`,
  );
  assertEquals(
    line(second),
    `| ${service} | ${round} | 2026-12-01: 1 \\| 2 \\*3\\* | 2026-12-02, failed: no |`,
  );
  assertEquals(second.match(/\| never +\|$/gm)?.length, page.match(/\| never +\|$/gm)!.length - 1);
});
