/**
 * Lets test files share isolates. Deno gives each test file one of its own, and to fill it with this
 * project's modules takes longer than most files' tests: 60 of the unit lane's 150 seconds.
 *
 * @module
 */

const ROOT = new URL("../..", import.meta.url);

/** How many files share an isolate: enough to save most, and few enough to keep all processors busy. */
const FILES_EACH = 8;

/**
 * Writes modules into this folder, each of which imports some of the test files: neighbours, so that
 * they need the same modules. Returns their paths.
 */
export async function shareIsolates(files: readonly string[], folder: string): Promise<string[]> {
  const sorted = files.toSorted();
  const modules: string[] = [];
  for (let from = 0; from < sorted.length; from += FILES_EACH) {
    const imports = sorted.slice(from, from + FILES_EACH)
      .map((path) => `import ${JSON.stringify(new URL(path, ROOT).href)};\n`);
    const path = `${folder}/${String(modules.length + 1).padStart(2, "0")}_test.ts`;
    await Deno.writeTextFile(path, imports.join(""));
    modules.push(path);
  }
  return modules;
}
