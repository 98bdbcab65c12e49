/** What the examples share: their options, the key of the service they use, and how they end. */
import { parseArgs } from "node:util";
import { untilShutdown } from "@ringline/edge";

/**
 * The options of the command line, each with a value: `--voice marin`. Asked for `--help`, or
 * for an option that there is not, it lists them with their defaults and ends the program.
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

/** The service that the environment names. One of your own may need no key. */
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
    fail(`OPENAI_BASE_URL must begin with http:// or https://, got ${baseUrl}`);
  }
  return { apiKey, baseUrl };
}

/**
 * Runs a program until Ctrl-C. What goes wrong is mostly a key or a network, which a stack trace
 * does not make clearer.
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
