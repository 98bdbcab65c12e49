/**
 * The people of a soak: some stay for the whole call, and one by one visitors come, turn their
 * camera on and off, and leave. They run in a process of their own, so that memory of their end of
 * WebRTC is not counted as the agent's.
 *
 * Arguments: the call's link, and how many stay. Responds to `ask: "figures"`; ends with its input.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { receive, send } from "../../bench/lib/lines.ts";
import { speakTogether, WrtcParticipant } from "../../bench/call/wrtc_participant.ts";

const PING_MS = 1000;
const FRAME_MS = 100;
/** How long each of a visitor's activities lasts. */
const VISIT_STEP_MS = 700;

const figures = { joins: 0, leaves: 0, pictures: 0 };

async function visit(link: URL, index: number, people: WrtcParticipant[]): Promise<void> {
  const person = new WrtcParticipant(link, index);
  await person.connected;
  figures.joins++;
  people.push(person);
  const step = () => delay(VISIT_STEP_MS);
  await step();
  await person.setCamera(true);
  figures.pictures++;
  await step();
  await person.setCamera(false);
  await step();
  people.splice(people.indexOf(person), 1);
  await person.leave();
  figures.leaves++;
}

if (import.meta.main) {
  Deno.addSignalListener("SIGINT", () => {}); // the end of the input is the order
  const link = new URL(Deno.args[0]!);
  const staying = Number(Deno.args[1]);
  const people: WrtcParticipant[] = [];
  speakTogether(people);
  setInterval(() => people.forEach((person) => person.ping()), PING_MS);
  setInterval(() => people.forEach((person) => person.show()), FRAME_MS);
  (async () => {
    for (let index = 0; index < staying; index++) {
      const person = new WrtcParticipant(link, index);
      await person.connected;
      figures.joins++;
      people.push(person);
    }
    send({ joined: people.length });
    for (let index = staying;; index++) await visit(link, index, people);
  })().catch((error) => send({ joined: null, error: String(error) }));
  for await (const { ask } of receive()) if (ask === "figures") send({ figures });
  await Promise.all(people.map((person) => person.leave()));
  Deno.exit(0); // at its natural end wrtc crashes
}
