/**
 * A LiteLLM proxy, which checks what it is asked by the rules of OpenAI's interface, and asks other
 * services with OpenAI's own Python package. PyPI's `litellm[proxy]` (MIT) is downloaded once.
 */
import { until } from "../fixtures/until.ts";
import { python } from "./_python.ts";

const PACKAGES = ["litellm[proxy]==1.108.7"];
/** It reads a lot of its own code, which it compiles the first time. */
const START_LIMIT_MS = 600_000;

/** The key that it accepts. */
export const KEY = "sk-ringline";

/** A model of the proxy: its name, and LiteLLM's parameters of it. */
export type ProxiedModels = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A running proxy. */
export interface LiteLLM extends AsyncDisposable {
  readonly baseUrl: string;
}

/** Starts a proxy with these models; resolves when it answers. */
export async function startLiteLLM(models: ProxiedModels): Promise<LiteLLM> {
  const program = await python("litellm", PACKAGES);
  const folder = await Deno.makeTempDir();
  const config = `${folder}/config.yaml`;
  const port = freePort();
  await Deno.writeTextFile(
    config,
    // JSON is YAML.
    JSON.stringify({
      model_list: Object.entries(models).map(([model_name, litellm_params]) => ({
        model_name,
        litellm_params,
      })),
      general_settings: { master_key: KEY },
      litellm_settings: { num_retries: 0, telemetry: false },
      router_settings: { num_retries: 0, disable_cooldowns: true },
    }),
  );
  const server = new Deno.Command(program.replace(/python$/, "litellm"), {
    args: ["--config", config, "--host", "127.0.0.1", "--port", `${port}`],
    env: { LITELLM_LOCAL_MODEL_COST_MAP: "True", NO_DOCS: "True" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const origin = `http://127.0.0.1:${port}`;
  const stop = async () => {
    server.kill("SIGKILL");
    await server.status;
    await Deno.remove(folder, { recursive: true });
  };
  const isReady = () =>
    fetch(`${origin}/health/liveliness`).then(async (response) => {
      await response.body?.cancel();
      return response.ok;
    }, () => false);
  try {
    await until("LiteLLM answers", isReady, START_LIMIT_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return { baseUrl: `${origin}/v1`, [Symbol.asyncDispose]: stop };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
