/**
 * A LiteLLM proxy, which checks what it is asked by the rules of OpenAI's interface, and asks other
 * services with OpenAI's own Python package. PyPI's `litellm[proxy]` (MIT) is downloaded once.
 */
import { python } from "./_python.ts";
import { startServer } from "./_server.ts";

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
  const program = await python("litellm", PACKAGES, "800 MB");
  const folder = await Deno.makeTempDir();
  const config = `${folder}/config.yaml`;
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
  const remove = () => Deno.remove(folder, { recursive: true });
  const server = await startServer({
    name: "LiteLLM",
    command: program.replace(/python$/, "litellm"),
    args: (port) => ["--config", config, "--host", "127.0.0.1", "--port", `${port}`],
    env: { LITELLM_LOCAL_MODEL_COST_MAP: "True", NO_DOCS: "True" },
    readyPath: "/health/liveliness",
    limitMs: START_LIMIT_MS,
  }).catch(async (error) => {
    await remove();
    throw error;
  });
  return {
    baseUrl: `${server.origin}/v1`,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await remove();
    },
  };
}
