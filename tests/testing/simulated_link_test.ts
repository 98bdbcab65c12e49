import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Random } from "../../src/testing/random.ts";
import { SimulatedLink } from "../../src/testing/simulator/simulated_link.ts";
import type { NetworkConditions } from "../../src/testing/simulator/script.ts";

/** The part of many packets that is lost, and how long a loss is on average. */
function measure(conditions: NetworkConditions): { loss: number; burst: number } {
  const network = new SimulatedLink(conditions, new Random(1));
  const packets = 100_000;
  let [lost, bursts, losing] = [0, 0, false];
  for (let n = 0; n < packets; n++) {
    const isLost = network.decide(n * 20) === "lost";
    if (isLost) lost++;
    if (isLost && !losing) bursts++;
    losing = isLost;
  }
  return { loss: lost / packets, burst: lost / bursts };
}

Deno.test("SimulatedLink loses packets at its rate, in bursts of its length", () => {
  for (const loss of [0.02, 0.1, 0.4, 0.5]) {
    for (const burst of [1, 3, 5]) {
      const measured = measure({ loss, burst });
      assertAlmostEquals(measured.loss / loss, 1, 0.15, `loss ${loss}, burst ${burst}`);
      assertAlmostEquals(measured.burst / burst, 1, 0.15, `loss ${loss}, burst ${burst}`);
    }
  }
});

Deno.test("SimulatedLink lengthens bursts that are too short for its loss", () => {
  for (const [loss, burst] of [[0.6, 1], [0.75, 2], [0.9, 1], [0.95, 5], [0.99, 1]] as const) {
    const measured = measure({ loss, burst });
    assertAlmostEquals(measured.loss, loss, 0.01, `loss ${loss}, burst ${burst}`);
    const longer = loss / (1 - loss);
    assertAlmostEquals(measured.burst / longer, 1, 0.15, `loss ${loss}, burst ${burst}`);
  }
});

Deno.test("SimulatedLink delivers nothing at a loss of 1", () => {
  for (const burst of [1, 2, 50]) assertEquals(measure({ loss: 1, burst }).loss, 1);
});
