import { shown } from "../../events/checks.ts";
import type { Logger } from "../../events/logger.ts";
import { messageOf } from "../../events/error_text.ts";

/** How each system opens a page. */
const COMMANDS: Record<string, [string, ...string[]]> = {
  darwin: ["open"],
  windows: ["rundll32", "url.dll,FileProtocolHandler"],
  linux: ["xdg-open"],
};

/** Opens a page in the person's browser; says so where that is not possible. */
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
