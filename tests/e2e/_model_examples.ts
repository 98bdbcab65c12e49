/** The examples that use a service, and how one gives up. */
import { assertEquals } from "@std/assert";
import { Example, type ExampleOptions } from "./_example.ts";

/** The examples that use a service. */
export const EXAMPLES = ["assistant.ts", "realtime.ts", "moderator.ts", "screen_helper.ts"];

/** Waits until an example has given up. Returns what it said. */
export async function refusalOf(
  name: string,
  options: ExampleOptions,
  code = 1,
): Promise<string> {
  await using example = await Example.start(name, options);
  assertEquals(await example.ended(), code, `${name}: ${example.output}`);
  return example.output;
}
