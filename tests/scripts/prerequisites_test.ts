import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Installer, type Prerequisite, provide } from "../../scripts/lib/prerequisites.ts";

/** A machine that lacks a browser, and what was installed on it. */
function machine({ isDebian = true, isRoot = true, isOptional = false } = {}) {
  const installed: string[] = [];
  const browser: Prerequisite = {
    name: "Chromium",
    packages: ["chromium"],
    isOptional,
    isThere: () => Promise.resolve(installed.includes("chromium")),
  };
  const installer: Installer = {
    isThere: () => Promise.resolve(isDebian),
    isRoot: () => isRoot,
    install(packages) {
      installed.push(...packages);
      return Promise.resolve(true);
    },
  };
  const said: string[] = [];
  const options = { installer, log: (line: string) => void said.push(line) };
  return { installed, said, options, wanted: [browser] };
}

Deno.test("a missing browser is an error that gives the command and the flag", async () => {
  const { wanted, options, installed } = machine();
  const { message } = await assertRejects(
    () => provide(wanted, { install: false, ...options }),
    Error,
  );
  assertStringIncludes(message, "- Chromium");
  assertStringIncludes(message, "apt-get install chromium");
  assertStringIncludes(message, "--install");
  assertEquals(installed, []);
});

Deno.test("--install gets a missing browser", async () => {
  const { wanted, options, installed } = machine();
  await provide(wanted, { install: true, ...options });
  assertEquals(installed, ["chromium"]);
});

Deno.test("--install installs nothing without root, and says how", async () => {
  const { wanted, options, installed } = machine({ isRoot: false });
  const { message } = await assertRejects(
    () => provide(wanted, { install: true, ...options }),
    Error,
  );
  assertStringIncludes(message, "sudo apt-get install chromium");
  assertEquals(installed, []);
});

Deno.test("a machine without apt-get has to get its browser itself; the rest is optional", async () => {
  const { wanted, options } = machine({ isDebian: false });
  const { message } = await assertRejects(
    () => provide(wanted, { install: true, ...options }),
    Error,
  );
  assertStringIncludes(message, "CHROMIUM and FIREFOX");
  const optional = machine({ isDebian: false, isOptional: true });
  await provide(optional.wanted, { install: false, ...optional.options });
  assertEquals(optional.said, [
    "test: the tests that need Chromium are skipped: it is not there",
  ]);
});
