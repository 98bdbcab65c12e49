/** Options with a name that there is not: `deno run` checks no types. */
import { assertThrows } from "@std/assert";
import { Agent, type AgentOptions } from "../../mod.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

const edge = new MemoryEdge({ clock: new VirtualClock() });

function create(options: object): Agent {
  const all = { edge, agentUser: { id: "helper", name: "Helper" }, ...options };
  return new Agent(all as AgentOptions);
}

Deno.test("an agent refuses an option that there is not, and names those that there are", () => {
  assertThrows(
    () => create({ instruction: "Be kind." }),
    TypeError,
    "options: expected only edge,",
  );
  assertThrows(() => create({ instruction: "Be kind." }), TypeError, 'got "instruction"');
  create({ instruction: undefined });
});

Deno.test("so do the groups of turnHandling", () => {
  const groups = {
    endpointing: "delayMs",
    vad: "thresholds",
    interruption: "mode",
    userTurnLimit: "words",
  };
  for (const [group, name] of Object.entries(groups)) {
    const turnHandling = { [group]: { [name]: 1 } };
    assertThrows(() => create({ turnHandling }), TypeError, `turnHandling.${group}: expected only`);
  }
  assertThrows(
    () => create({ turnHandling: { endpointingDelayMs: 1 } }),
    TypeError,
    "turnHandling: expected only turnDetection,",
  );
});
