/** Packages as a user gets them: needs npm's registry. */
import { assert, assertEquals } from "@std/assert";
import { startRegistry } from "../native/registry_double.ts";
import { UserFolder } from "../native/user_folder.ts";

/** The most bytes of files that adding the package may bring. */
const MOST_BYTES = 45_000_000;

Deno.test("deno add jsr:@ringline/edge brings at most 45 MB into an empty cache", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using registry = await startRegistry();
    await Deno.mkdir(`${folder}/user`);
    await Deno.writeTextFile(`${folder}/user/deno.json`, "{}");
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["add", `jsr:@ringline/edge@${registry.version}`],
      cwd: `${folder}/user`,
      env: { DENO_DIR: `${folder}/cache`, JSR_URL: registry.url, NO_COLOR: "1" },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const bytes = await bytesIn(`${folder}/cache`);
    assert(bytes > 20_000_000, `${bytes} bytes: WebRTC's add-on is among them`);
    assert(bytes <= MOST_BYTES, `${bytes} bytes`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("as a user gets it: the other packages are added, and their types fit", async () => {
  await using folder = await UserFolder.make();
  const names = [
    "getstream",
    "livekit",
    "ai-sdk",
    "mcp",
    "redis",
    "rnnoise",
    "silero-vad",
    "smart-turn",
  ];
  await folder.deno(["add", ...names.map((name) => folder.specifier.replace(/edge/, name))]);
  await folder.write(
    "main.ts",
    `import { Agent, type LLM, silentLogger, systemClock, type Tool, type VAD } from "@ringline/edge";
     import { aiSdkLLM } from "@ringline/ai-sdk";
     import { GetStreamEdge } from "@ringline/getstream";
     import { LiveKitEdge } from "@ringline/livekit";
     import { connectMcp } from "@ringline/mcp";
     import { RedisJobStore } from "@ringline/redis";
     import { rnnoise } from "@ringline/rnnoise";
     import { sileroVad } from "@ringline/silero-vad";
     import { smartTurn } from "@ringline/smart-turn";
     const llm: LLM = aiSdkLLM("a/model");
     const vad: VAD = sileroVad();
     const listed = async (): Promise<readonly Tool[]> => (await connectMcp({ url: "" })).tools;
     await using edge = new GetStreamEdge({ apiKey: "key", apiSecret: "secret" });
     const url = "ws://127.0.0.1:1";
     await using rooms = new LiveKitEdge({ url, apiKey: "key", apiSecret: "secret" });
     const agent = new Agent({ edge, agentUser: { id: "echo", name: "Echo" } });
     const turns = smartTurn();
     const { signal } = new AbortController();
     await turns.start?.({ clock: systemClock, logger: silentLogger, signal });
     await turns.close?.();
     const { name } = await rnnoise();
     console.log(llm.name, vad.name, typeof listed, typeof RedisJobStore, agent.user.name, turns.name, name,
       rooms.isClosed);`,
  );
  await folder.deno(["check", "main.ts"]);
  // Of the AI SDK, of the models with their runtime, and of the turn model, which the registry has.
  const permissions = ["--allow-sys=hostname", "--allow-read", "--allow-net=127.0.0.1"];
  const { out } = await folder.deno(["run", "--no-prompt", ...permissions, "main.ts"]);
  assertEquals(out, "ai-sdk silero-vad function function Echo smart-turn rnnoise false\n");
});

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    bytes += isDirectory ? await bytesIn(path) : (await Deno.stat(path)).size;
  }
  return bytes;
}
