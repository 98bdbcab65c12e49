/** Whether captured messages are of the types of a vendor's official package. */

/** A type whose enums are their texts, as in JSON. */
const PLAIN =
  "type Plain<T> = T extends string ? `${T}` : T extends (infer One)[] ? Plain<One>[] " +
  ": T extends object ? { [Key in keyof T]: Plain<T[Key]> } : T;\n";

/**
 * Compiles lists of messages, each as a type of a package; returns the compiler's errors.
 *
 * @param from the module, e.g. `npm:openai@7.57.0/resources/realtime/realtime`
 * @param lists the messages by the names of their types
 * @param options.enums whether the package has enums, which stand for their texts
 */
export async function compiles(
  from: string,
  lists: Readonly<Record<string, readonly unknown[]>>,
  { enums = false } = {},
): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const all = Object.entries(lists).map(([type, messages], n) => {
      const list = messages.map((one) => JSON.stringify(one)).join(",\n");
      const own = enums ? `Plain<vendor.${type}>` : `vendor.${type}`;
      return `export const list${n}: ${own}[] = [\n${list}\n];\n`;
    });
    const head = `import type * as vendor from "${from}";\n${enums ? PLAIN : ""}`;
    await Deno.writeTextFile(file, head + all.join(""));
    const root = new URL("../../", import.meta.url);
    const { stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--config", "deno.json", file],
      cwd: root,
      env: { NO_COLOR: "1" },
    }).output();
    return success ? "" : new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(file);
  }
}

/** Returns a few messages of each kind, without the length of their audio. */
export function samples<T extends object>(
  messages: readonly T[],
  kindOf: (message: T) => string,
  most = 10,
): T[] {
  const counts = new Map<string, number>();
  return messages.filter((one) => {
    const count = (counts.get(kindOf(one)) ?? 0) + 1;
    counts.set(kindOf(one), count);
    return count <= most;
  });
}
