/** What a test orders of the SFU. @module */
import type { Sfu } from "../sfu.ts";
import { Params } from "./params.ts";
import { PARTICIPANTS } from "./participants.ts";
import { FAULTS } from "./faults.ts";
import { OBSERVATION } from "./observation.ts";

const COMMANDS = new Map(Object.entries({ ...PARTICIPANTS, ...OBSERVATION, ...FAULTS }));

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
