/** A call on a machine whose only network is the loopback, which browsers do not use by default. */
import { assert, assertLess, assertMatch } from "@std/assert";
import { chromium, firefox } from "../e2e/_fixture.ts";
import { fileURLToPath } from "node:url";

/** A network of one's own, which has nothing but the loopback; without root where that is allowed. */
const ALONE = [["--net"], ["--user", "--map-root-user", "--net"]];
const LOOPBACK = ["ip", "link", "set", "lo", "up"];
const OFFLINE = fileURLToPath(new URL("_offline.ts", import.meta.url));

/** Runs a program; one that is not there has failed. */
async function run(command: string, args: string[]) {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
    const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { success, out: out!, error: error! };
  } catch (error) {
    return { success: false, out: "", error: String(error) };
  }
}

for (const [name, path] of Object.entries({ firefox, chromium })) {
  Deno.test({
    name: `without a network the page says so within five seconds, in ${name}`,
    ignore: path === undefined,
    async fn() {
      const alone = await Promise.all(
        ALONE.map(async (options) => (await run("unshare", [...options, ...LOOPBACK])).success),
      );
      const options = ALONE[alone.indexOf(true)];
      const program = ["run", "-A", "--no-check", OFFLINE, name];
      const shell = `${LOOPBACK.join(" ")} && exec "$0" "$@"`;
      const { success, out, error } = options
        ? await run("unshare", [...options, "sh", "-c", shell, Deno.execPath(), ...program])
        : await run(Deno.execPath(), [...program, "--hide"]);
      assert(success, error);
      const { ms, text } = JSON.parse(out);
      assertMatch(text, /No network/);
      assertMatch(text, /needs one even for a call on the same computer/);
      assert(!/firewall/.test(text), text);
      assertLess(ms, 5000);
    },
  });
}
