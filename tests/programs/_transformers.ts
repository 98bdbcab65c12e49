/**
 * `transformers serve` (Apache License 2.0) with two tiny models of `tiny_models.py`. The packages are downloaded
 * once; no weights are. PyPI's PyTorch for Linux on x64 brings the libraries of CUDA, which are not used.
 */
import { fileURLToPath } from "node:url";
import { python, run } from "./_python.ts";
import { startServer } from "./_server.ts";

const PACKAGES = [
  "transformers[serving]==5.24.0",
  "torch==2.15.0",
  "soundfile==0.14.0",
  "soxr==1.1.0",
  "python-multipart==0.0.34",
];
const NEEDS = "6 GB, of which 3 GB are downloaded, and some minutes";
/** It reads a lot of its own code, which it compiles the first time. */
const START_LIMIT_MS = 300_000;

/** A running server. */
export interface Transformers extends AsyncDisposable {
  readonly baseUrl: string;
  /** The names of its models. */
  readonly chat: string;
  readonly recogniser: string;
}

/** Writes the models and starts a server; resolves when it answers. */
export async function startTransformers(): Promise<Transformers> {
  const program = await python("transformers", PACKAGES, NEEDS);
  const folder = await Deno.makeTempDir();
  await using started = new AsyncDisposableStack();
  started.defer(() => Deno.remove(folder, { recursive: true }));
  // It asks Hugging Face for nothing.
  const env = { HF_HUB_OFFLINE: "1", HF_HOME: folder };
  await run(program, [fileURLToPath(new URL("tiny_models.py", import.meta.url)), folder]);
  const server = started.use(
    await startServer({
      name: "transformers serve",
      command: program.replace(/python$/, "transformers"),
      args: (port) => ["serve", "--host", "127.0.0.1", "--port", `${port}`, "--device", "cpu"],
      env,
      readyPath: "/health",
      limitMs: START_LIMIT_MS,
    }),
  );
  const stack = started.move();
  return {
    baseUrl: `${server.origin}/v1`,
    chat: `${folder}/chat`,
    recogniser: `${folder}/recogniser`,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
