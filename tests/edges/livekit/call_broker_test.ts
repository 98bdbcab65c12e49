import { assertEquals } from "@std/assert";
import { Call } from "../../../src/edge/call.ts";
import { findBroker } from "../../../src/edges/livekit/call_broker.ts";

Deno.test("findBroker tells two agents of one user in one room apart", () => {
  const kitchen = () => new Call({ id: "kitchen", type: "default", original: null });
  const [first, second, third] = [kitchen(), kitchen(), kitchen()];
  const user = { id: "cook", name: "Cook" };
  const entry = (call: Call, userId: string, name: string, isClosed = false) =>
    [{ call, state: isClosed ? "closed" : "active" }, { userId, name }] as const;
  const brokers = [
    entry(first, "waiter", "waiter"),
    entry(first, "cook", "first"),
    entry(second, "cook", "second"),
    entry(third, "cook", "third", true),
  ];
  const found = (call: Call) => findBroker(brokers, call, user)?.name;
  assertEquals([found(first), found(second)], ["first", "second"]);
  assertEquals(found(kitchen()), "first", "a call that was named again");
  assertEquals(findBroker(brokers.slice(3), third, user), undefined);
});
