/** Shared by the examples: their options, the key of their service, and how they end. */
import { parseArgs } from "node:util";
import { untilShutdown } from "@ringline/edge";

/** The type of an option's value, by its default. */
type Value<Default> = Default extends string ? string : Default extends number ? number : boolean;
type Values<Defaults> = { -readonly [Name in keyof Defaults]: Value<Defaults[Name]> };

/**
 * Returns the options of the command line: `--voice marin`, `--port 8080`, and `--browser` for one whose
 * default is `false`. For `--help` it lists them with their defaults and ends the program; for what it
 * cannot read it says so in a line, and the exit code is 2.
 */
export function commandLine<const T extends Readonly<Record<string, string | number | false>>>(
  defaults: T,
): Values<T> {
  const options = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [
      name,
      { type: value === false ? "boolean" as const : "string" as const },
    ]),
  );
  try {
    const { values } = parseArgs({
      options: { ...options, help: { type: "boolean", short: "h" } },
    });
    if (values.help) {
      console.log("Options and their defaults:");
      for (const [name, value] of Object.entries(defaults)) {
        console.log(`  --${name}${value === false ? "" : ` ${value}`}`.trimEnd());
      }
      Deno.exit();
    }
    const given = Object.entries(values as Record<string, string | true>).map(([name, value]) =>
      [name, typeof defaults[name] === "number" ? wholeNumber(name, value) : value] as const
    );
    return { ...defaults, ...Object.fromEntries(given) } as unknown as Values<T>;
  } catch (error) {
    // More than the first sentence is about arguments that begin with a dash.
    wrongCommandLine((error as Error).message.split(". To specify")[0]!);
  }
}

function wholeNumber(name: string, value: string | true): number {
  if (typeof value === "string" && /^\d{1,15}$/.test(value)) return Number(value);
  throw new RangeError(`--${name}: expected a whole number, got "${value}"`);
}

/** Returns what `make` returns. Where it refuses a value that a person has given, the program ends. */
export async function usable<T>(
  make: () => T | Promise<T>,
  end: (message: string) => never = wrongCommandLine,
): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) end(error.message);
    throw error;
  }
}

/** Ends the program with a line on what is wrong with its command line. */
export function wrongCommandLine(message: string): never {
  console.error(`${message} (--help lists the options)`);
  Deno.exit(2);
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
