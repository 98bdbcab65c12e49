/** Misspells an option of everything public that takes options. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Agent } from "../src/agent/agent.ts";
import type { AgentOptions } from "../src/agent/agent_options.ts";
import { loadKernel } from "../src/audio_entry.ts";
import { Call } from "../src/edge/call.ts";
import { MemoryConversation } from "../src/edge/conversation.ts";
import { QueuedAudioTrack } from "../src/edge/toolkit/queued_audio_track.ts";
import { GetStreamEdge } from "../src/edges/getstream/mod.ts";
import { LiveKitEdge } from "../src/edges/livekit/mod.ts";
import { LocalEdge } from "../src/edges/local/mod.ts";
import { silentLogger } from "../src/events/logger.ts";
import { TrackEchoDetector } from "../src/inference/echo/track_echo_detector.ts";
import { KeptMedia, MediaConnection, MediaProcess } from "../src/media/parent/mod.ts";
import { recordTelemetry } from "../src/adapters/telemetry/mod.ts";
import { openAICompatible } from "../src/adapters/openai/mod.ts";
import { serve } from "../src/serve/mod.ts";
import { FakeLLM } from "../src/testing/fake_llm.ts";
import { FakeSTT } from "../src/testing/fake_stt.ts";
import { FakeTTS } from "../src/testing/fake_tts.ts";
import { MemoryEdge } from "../src/testing/memory_edge.ts";
import { simulateCall } from "../src/testing/simulator/simulate_call.ts";
import { silence } from "../src/testing/sounds.ts";
import { VirtualClock } from "../src/testing/virtual_clock.ts";
import { readPackages } from "../scripts/lib/packages.ts";

const root = new URL("../", import.meta.url);

/** Entry points that are a command, that only a media process may load, or that run in a browser. */
const LEFT_OUT = [
  "src/install_entry.ts",
  "src/media/child/mod.ts",
  "src/edges/local/page/client.js",
];

/** What `deno doc --json` says, as far as it is read here. */
interface Doc {
  nodes: Record<string, { symbols: { name: string; declarations: Declaration[] }[] }>;
}
interface Declaration {
  kind: string;
  def: {
    params?: Parameter[];
    constructors?: { params: Parameter[]; accessibility?: string }[];
    methods?: {
      name: string;
      kind: string;
      accessibility?: string;
      isStatic?: boolean;
      functionDef: { params: Parameter[] };
    }[];
  };
}
interface Parameter {
  kind: string;
  name?: string;
  left?: Parameter;
  tsType?: Type;
}
interface Type {
  kind: string;
  value?: {
    typeName?: string;
    typeParams?: Type[];
    properties?: { optional?: boolean }[];
  } | Type[];
}

/** Something public, and the position of its options among its arguments. */
interface Taker {
  /** `Agent`, `Agent.join` or `connectMcp`. */
  name: string;
  /** The entry point that exports it. */
  module: string;
  kind: "function" | "class" | "method";
  position: number;
}

function isOptions({ kind, name, left, tsType }: Parameter): boolean {
  if (kind === "assign") return isOptions(left!);
  if (/^_?(options|init)$/.test(name ?? "")) return true;
  return tsType !== undefined && isOptionsType(tsType);
}

function isOptionsType({ kind, value }: Type): boolean {
  if (Array.isArray(value)) return kind === "intersection" && value.some(isOptionsType);
  const { typeName = "", typeParams = [], properties = [] } = value ?? {};
  if (kind === "typeLiteral") return properties.some(({ optional }) => optional);
  if (["Omit", "Partial", "Pick"].includes(typeName)) return isOptionsType(typeParams[0]!);
  return /(Options|Choice|Init|Update|Script|Limits)$/.test(typeName);
}

/** Finds all that takes options, by the documentation of the entry points of all packages. */
async function takers(): Promise<Taker[]> {
  const modules: string[] = [];
  for (const { folder, entries } of await readPackages()) {
    const paths = entries.map((entry) => new URL(entry, folder).href.slice(root.href.length));
    modules.push(...paths.filter((path) => !LEFT_OUT.includes(path)));
  }
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...modules],
    cwd: root,
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  const { nodes } = JSON.parse(decoder.decode(stdout)) as Doc;
  const found = new Map<string, Taker>();
  const add = (taker: Omit<Taker, "position">, params: readonly Parameter[]) => {
    const position = params.findIndex(isOptions);
    if (position >= 0 && !found.has(taker.name)) found.set(taker.name, { ...taker, position });
  };
  for (const module of modules) {
    for (const { name, declarations } of nodes[`${root}${module}`]!.symbols) {
      for (const { kind, def } of declarations) {
        if (kind === "function") add({ name, module, kind }, def.params!);
        if (kind !== "class") continue;
        for (const { params, accessibility } of def.constructors ?? []) {
          if (!accessibility || accessibility === "public") add({ name, module, kind }, params);
        }
        for (const method of def.methods ?? []) {
          const { name: of, kind, accessibility = "public", functionDef: { params } } = method;
          if (kind !== "method" || accessibility !== "public" || !/^\w+$/.test(of)) continue;
          add({ name: `${name}.${of}`, module, kind }, params);
        }
      }
    }
  }
  return [...found.values()];
}

/** A factory that no kit comes to call. */
const never = () => Promise.reject(new Error("not to be called"));

const clock = new VirtualClock();
const quiet = { clock, logger: silentLogger };
const keys = { apiKey: "key", apiSecret: "secret" };
const user = { id: "anna", name: "Anna" };
const call = new Call({ id: "kitchen" });
const pcm = silence(20);
const PEM = { cert: "-----BEGIN CERTIFICATE", key: "-----BEGIN PRIVATE KEY" };
const misspelt: object = { misspelt: 1 };

/** What takes options that are not checked, and why. */
const UNCHECKED: Readonly<Record<string, string>> = {
  "Agent.close": "it closes the agent, whatever it is given",
  AgentWorker: "exported as a type: serve creates it",
  LiveKitJobs: "exported as a type: LiveKitEdge.jobs creates it",
  "Connection.addTrackSubscriber": "each edge has its own",
  Connection: "its subclasses hand over options of their own too",
  EdgeTransport: "its subclasses hand over options of their own too",
  "EdgeTransport.keepReady": "does nothing",
  "EdgeTransport.openDemo": "always rejects",
  MemoryConnection: "MemoryEdge creates it",
  FakeRealtimeSession: "FakeRealtimeLLM creates it",
  FakeSttSession: "FakeSTT creates it",
  PcmChunk: "its format is data: another chunk is one",
  "Mixer.add": "called for each frame of each stream",
  "RingBuffer.write": "called for each chunk of each stream",
  ClosedError: "a TypeError in its place would hide what has failed",
  EdgeError: "a TypeError in its place would hide what has failed",
  InferenceError: "a TypeError in its place would hide what has failed",
  RpcError: "a TypeError in its place would hide what has failed",
  checkOptions: "it is the check",
};

/** What the agent, the pipeline or a worker calls: their arguments are the contract's. */
const CALLED_BY_US =
  /^(?:(Fake|Fallback)\w+\.(open|connect|sendText)|\w+JobStore\.(claim|release))$/;

/** What has methods that take options. */
const MADE: Readonly<Record<string, () => object | Promise<object>>> = {
  Agent: joined,
  Connection: async () => (await joined()).connection!,
  AgentWorker: () => serve({ agent: never, isProgram: false, ...quiet }),
  CallRecord: () =>
    simulateCall({ seed: 1, people: [{ userId: "anna" }], agent: () => ({}), endsAtMs: 20 }),
  EdgeTransport: () => new MemoryEdge(quiet),
  GetStreamEdge: () => new GetStreamEdge({ ...keys, basePath: "http://127.0.0.1:1", ...quiet }),
  KeptMedia: () => new KeptMedia(mediaProcess()),
  LiveKitEdge: () => new LiveKitEdge({ ...keys, url: "ws://127.0.0.1:1", ...quiet }),
  LocalEdge: () => new LocalEdge(quiet),
  MediaConnection: () => Object.create(MediaConnection.prototype),
  MediaProcess: () => mediaProcess(),
  MemoryConversation: () => new MemoryConversation({ id: "kitchen" }),
  MemoryEdge: withCall,
  MemoryParticipant: async () => {
    const edge = await withCall();
    return edge.enter(call, { userId: "anna" });
  },
  QueuedAudioTrack: () => new QueuedAudioTrack({ clock, onError: () => {} }),
  TrackEchoDetector: () =>
    new TrackEchoDetector(new QueuedAudioTrack({ clock, onError: () => {} })),
  VirtualClock: () => clock,
};

async function withCall(): Promise<MemoryEdge> {
  const edge = new MemoryEdge(quiet);
  await edge.createCall(call.id);
  return edge;
}

/** Returns an agent in a call. */
async function joined(): Promise<Agent> {
  const edge = await withCall();
  const [llm, stt, tts] = [new FakeLLM(clock), new FakeSTT(clock), new FakeTTS(clock)];
  const agent = new Agent({ edge, agentUser: user, llm, stt, tts, ...quiet });
  await clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
  return agent;
}

function agentWith(options: Partial<AgentOptions>): Agent {
  return new Agent({ edge: new MemoryEdge(quiet), agentUser: user, ...options });
}

function mediaProcess(): MediaProcess {
  return new MediaProcess({ child: new URL("child.ts", import.meta.url), config: null });
}

const KITS = ["llm", "realtime", "stt", "tts", "turn"].map((kind) => `${kind}Conformance`);
const join = [{ user, audioSubscription: undefined, receiveRow() {} }, call];

/** The arguments before the options, where they are checked first. */
const BEFORE: Readonly<Record<string, readonly unknown[]>> = {
  "Agent.createCall": ["default", "kitchen"],
  "Agent.join": [call],
  "Agent.say": ["Hello."],
  "Agent.generateReply": ["Hello."],
  "Agent.text": ["Hello."],
  "Connection.transfer": ["+4930123456"],
  "CallRecord.gaps": ["anna"],
  "CallRecord.bargeInToSilenceMs": ["anna"],
  "EdgeTransport.publishTracks": [{}],
  "GetStreamEdge.openDemo": [call],
  "GetStreamEdge.readWebhook": [{}],
  "LiveKitEdge.createToken": [call, user],
  "LiveKitEdge.openDemo": [call],
  "LiveKitEdge.registerRpcMethod": ["wave", () => "hello"],
  "LiveKitEdge.sendText": ["Hello."],
  "LiveKitEdge.setAttributes": [{}],
  "LocalEdge.callLink": [call],
  "LocalEdge.handle": [{ on: () => {} }],
  "LocalEdge.invite": [call],
  "LocalEdge.openDemo": [call],
  "MemoryEdge.enter": [call],
  "QueuedAudioTrack.write": [pcm],
  "TrackEchoDetector.write": [pcm],
  "VirtualClock.real": [Promise.resolve()],
  "EdgeTransport.join": join,
  "GetStreamEdge.join": join,
  "LiveKitEdge.join": join,
  "LocalEdge.join": join,
  "MediaConnection.addTrackSubscriber": ["track"],
  "MediaConnection.open": [new MemoryEdge(quiet)],
  "MemoryEdge.join": join,
  Mixer: [loadKernel({ logger: () => {} })],
  PacedPlayout: [new QueuedAudioTrack({ clock })],
  Resampler: [loadKernel({ logger: () => {} })],
  ToolOutput: ["The plan."],
  WorkerControl: [{ load: {}, jobs: [], start() {}, end() {}, drain() {} }],
  ...Object.fromEntries(KITS.flatMap((kit) => [[kit, [never]], [`${kit}Tests`, [never]]])),
  aiSdkLLM: ["model"],
  aiSdkRealtime: [{ getServerWebSocketConfig() {}, serializeClientEvent() {} }],
  aiSdkSTT: ["model"],
  aiSdkTTS: ["model"],
  checkJoin: join,
  conformanceTests: [never],
  edgeConformance: [never],
  recordTelemetry: [new MemoryEdge(quiet)],
  screenChanges: [() => {}],
  sharedJobs: [{ openJobs: never }],
  FakeSTT: [clock, []],
  FakeTTS: [clock],
};

/** Calls it with an option that there is not, and nothing else that is wrong before it. */
async function misspell({ name, module, kind, position }: Taker): Promise<unknown> {
  const exports = await import(`${root}${module}`);
  const args = [...BEFORE[name] ?? Array(position).fill(undefined), misspelt];
  const [of, method] = name.split(".") as [string, string?];
  if (kind === "class") return Reflect.construct(exports[of], args);
  if (kind === "function") return await exports[of](...args);
  const made = exports[of]?.[method!] ? exports[of] : await MADE[of]!();
  return await made[method!](...args);
}

Deno.test("an option that there is not is refused wherever options are taken", async () => {
  const wrong: string[] = [];
  const found = new Set<string>();
  for (const taker of await takers()) {
    const { name } = taker;
    found.add(name);
    if (name in UNCHECKED || /Event$/.test(name) || CALLED_BY_US.test(name)) continue;
    const error = await misspell(taker).then(() => "nothing", (error) => error);
    const isClear = error instanceof TypeError && /\bmisspelt\b/.test(error.message);
    if (!isClear) wrong.push(`${name}, argument ${taker.position}: ${error}`);
  }
  assertEquals(wrong, []);
  assertEquals(Object.keys(UNCHECKED).filter((name) => !found.has(name)), []);
  assert(found.size > 150, `${found.size} found`);
});

Deno.test("a model of openAICompatible refuses an option that there is not", () => {
  const service = openAICompatible();
  for (const kind of ["llm", "stt", "tts"] as const) {
    const options = { model: "m", voice: "v", misspelt: 1 };
    assertThrows(() => service[kind](options), TypeError, 'got "');
  }
});

const nested: readonly (readonly [name: string, make: () => unknown])[] = [
  ["tls", () => new LocalEdge({ tls: { ...PEM, ...misspelt }, ...quiet })],
  [
    "udpPortRange",
    () => new LocalEdge({ udpPortRange: { min: 5000, max: 5001, ...misspelt }, ...quiet }),
  ],
  ["limits", () => new LocalEdge({ limits: { ...misspelt }, ...quiet })],
  ["memoryLimit", () => new LocalEdge({ memoryLimit: { ...misspelt }, ...quiet })],
  [
    "sip",
    () => new LiveKitEdge({ ...keys, url: "ws://127.0.0.1:1", sip: { ...misspelt }, ...quiet }),
  ],
  ["options.prices", () => recordTelemetry(new MemoryEdge(quiet), { prices: { ...misspelt } })],
  ["vision", () => agentWith({ vision: { ...misspelt } })],
  ["broadcastMetrics", () => agentWith({ broadcastMetrics: { ...misspelt } })],
  ["turnHandling.vad", () => agentWith({ turnHandling: { vad: { ...misspelt } } })],
];

for (const [name, make] of nested) {
  Deno.test(`a group of options refuses one that there is not: ${name}`, () => {
    const { message } = assertThrows(make, TypeError);
    assertMatch(message, new RegExp(`^${name}: expected only .*, got "misspelt"$`));
  });
}
