/** What a test orders of the SFU. @module */
import type { Sfu } from "../sfu.ts";
import { Params } from "./params.ts";
import { PEOPLE } from "./people.ts";
import { TROUBLE } from "./trouble.ts";
import { WATCHING } from "./watching.ts";

const COMMANDS = new Map(Object.entries({ ...PEOPLE, ...WATCHING, ...TROUBLE }));

/** Does what a test orders; gives what it is answered. */
export async function command(
  sfu: Sfu,
  name: string,
  params: Record<string, unknown>,
): Promise<unknown> {
  const act = COMMANDS.get(name);
  if (!act) throw new Error(`no command is called "${name}"`);
  return await act(sfu, new Params(sfu, params));
}
