/** A call over what happens to two nodes of LiveKit's own server, with a caller of its SDK for Python. */
import { assert, assertEquals } from "@std/assert";
import { hasPython } from "../../programs/_livekit_callers.ts";
import { hasRedis } from "../leases/_redis.ts";
import { runOutages } from "./_outages.ts";
import { program } from "./_server.ts";

Deno.test({
  name: "a call outlives lost sockets, nodes and a lost Redis, and greets once",
  ignore: program === undefined || !hasPython || !hasRedis,
  async fn() {
    const { reports, greetings, people, story, errors, isOpen } = await runOutages([
      [0, "socket lost"],
      [5, "joined anew, on the next address"],
      [9, "caller joins anew"],
      // The agent's own token has expired by now: that of the server is used.
      [22, "Redis gone, and the socket lost meanwhile"],
      [30, "room's node killed"],
    ]);
    for (const { outage, caller, agent, reconnected, token } of reports) {
      console.log(
        `${outage}: the caller missed ${caller.missingMs} ms, the agent ${agent.missingMs}; ` +
          `${reconnected.join("; ") || "-"}; token: ${token}`,
      );
    }
    const [lost, , , gone] = reports;
    const strategies = reports.map(({ reconnected }) =>
      reconnected.map((one) => one.split(" ")[0]).join()
    );
    assertEquals(strategies, ["resume", "rejoin", "", "resume", "rejoin"]);
    assertEquals(gone!.token, "another, the first had expired");
    // A socket carries no sound. The machine may be busy.
    assert(lost!.caller.longestMs < 1000 && lost!.agent.longestMs < 1000, JSON.stringify(lost));
    assertEquals([greetings, people.length, isOpen], [1, 1, true]);
    assertEquals(story, ["waiting", "active", "participant-joined anna", "closed"]);
    assertEquals(errors, []);
  },
});
