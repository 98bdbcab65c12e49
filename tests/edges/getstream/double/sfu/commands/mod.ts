/** The commands of a test to the SFU. @module */
import type { Sfu } from "../sfu.ts";
import { Params } from "./params.ts";
import { PARTICIPANTS } from "./participants.ts";
import { FAULTS } from "./faults.ts";
import { OBSERVATION } from "./observation.ts";

const COMMANDS = new Map(Object.entries({ ...PARTICIPANTS, ...OBSERVATION, ...FAULTS }));

/** Runs a command; returns its result. */
export async function command(
  sfu: Sfu,
  name: string,
  params: Record<string, unknown>,
): Promise<unknown> {
  const act = COMMANDS.get(name);
  if (!act) throw new Error(`unknown command "${name}"`);
  return await act(sfu, new Params(sfu, params));
}
