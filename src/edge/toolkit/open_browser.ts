/** Opens a page in the user's browser. @module */
import { shown } from "../../events/checks.ts";
import type { Logger } from "../../events/logger.ts";
import { messageOf } from "../../events/error_text.ts";

/** The command that opens a page, per operating system. */
const COMMANDS: Record<string, [string, ...string[]]> = {
  darwin: ["open"],
  windows: ["rundll32", "url.dll,FileProtocolHandler"],
  linux: ["xdg-open"],
};

/** Opens a page in the user's browser. Logs a warning if that fails. */
export async function openBrowser(url: URL, logger: Logger): Promise<void> {
  if (!(url instanceof URL)) throw new TypeError(`url: expected a URL, got ${shown(url)}`);
  const [command, ...args] = COMMANDS[Deno.build.os] ?? COMMANDS.linux!;
  try {
    const { success } = await new Deno.Command(command, {
      args: [...args, url.href],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    if (success) return;
    logger.warn(`${command} could not open a browser`);
  } catch (error) {
    logger.warn(`no browser was opened: ${messageOf(error)}`);
  }
}
