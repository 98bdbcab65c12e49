/** Shared by the examples: their options, the key of their service, and how they end. */
import { parseArgs } from "node:util";
import { untilShutdown } from "@ringline/edge";

/**
 * Returns the options of the command line, each with a value: `--voice marin`. For `--help` or an
 * unknown option it lists them with their defaults and ends the program.
 */
export function commandLine<T extends Record<string, string>>(
  defaults: T,
): { [K in keyof T]: string } {
  const usage = ["Options and their defaults:"];
  for (const [name, value] of Object.entries(defaults)) usage.push(`  --${name} ${value}`);
  try {
    const { help, ...values } = parseArgs({
      options: {
        ...Object.fromEntries(
          Object.entries(defaults).map((
            [name, value],
          ) => [name, { type: "string", default: value }]),
        ) as Record<string, { type: "string"; default: string }>,
        help: { type: "boolean", short: "h" },
      },
    }).values;
    if (!help) return values as T;
  } catch (error) {
    fail([(error as Error).message, ...usage].join("\n"));
  }
  console.log(usage.join("\n"));
  Deno.exit();
}

/** Returns the service of the environment. Your own may need no key. */
export function serviceFromEnv(): { apiKey?: string; baseUrl?: string } {
  const apiKey = Deno.env.get("OPENAI_API_KEY") || undefined;
  const baseUrl = Deno.env.get("OPENAI_BASE_URL") || undefined;
  if (!apiKey && !baseUrl) {
    fail(
      "Set OPENAI_API_KEY, or OPENAI_BASE_URL for a service that needs no key " +
        "(without either: examples/local_assistant.ts)",
    );
  }
  if (baseUrl && !/^https?:\/\/./.test(baseUrl)) {
    fail(`OPENAI_BASE_URL: expected an http(s) address, got ${baseUrl}`);
  }
  return { apiKey, baseUrl };
}

/**
 * Runs a program until Ctrl-C. Most failures are a wrong key or a network, which a stack trace does
 * not make clearer.
 */
export async function run(program: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  try {
    await untilShutdown(program);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

/** Ends the program with a sentence. */
export function fail(message: string): never {
  console.error(message);
  Deno.exit(1);
}
