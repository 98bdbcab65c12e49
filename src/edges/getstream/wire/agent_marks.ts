/** The fields of a user's custom data by which agents recognise each other. @module */

/** The marks of this package's agents: its own, and that of Vision Agents. */
export const AGENT_MARKS: Readonly<Record<string, true>> = { is_agent: true, ringline_agent: true };

/** Whether a user's custom data marks an agent, of this package or of Vision Agents. */
export function isMarked(custom: unknown): boolean {
  if (typeof custom !== "object" || custom === null) return false;
  return Object.keys(AGENT_MARKS).some((mark) =>
    (custom as Record<string, unknown>)[mark] === true
  );
}
