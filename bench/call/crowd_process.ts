/**
 * People without a browser: each signals with LocalEdge as its page does, sends what stands for
 * speech and receives the room's mix. They live in a process of their own, so that their cost is
 * not counted as the media process's.
 *
 * Arguments: the call's link, and how many people. Responds to `ask: "stats"`; ends with its input.
 *
 * @module
 */
import { receive, send } from "../lib/lines.ts";
import { speakTogether, WrtcParticipant } from "./wrtc_participant.ts";

if (import.meta.main) {
  Deno.addSignalListener("SIGINT", () => {}); // the end of the input is the order
  const [link, count] = Deno.args;
  const people: WrtcParticipant[] = [];
  speakTogether(people);
  setInterval(() => people.forEach((person) => person.ping()), 1000);
  try {
    for (let index = 0; index < Number(count); index++) {
      const person = new WrtcParticipant(new URL(link!), index);
      // One who connects slowly gives signs of life too.
      people.push(person);
      await person.connected;
    }
    send({ joined: people.length });
  } catch (error) {
    send({ joined: null, error: String(error) });
  }
  for await (const { ask } of receive()) {
    if (ask === "stats") send({ stats: await Promise.all(people.map((person) => person.stats())) });
  }
  for (const person of people) void person.leave();
  Deno.exit(0); // at its natural end wrtc crashes
}
