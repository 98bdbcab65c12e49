import sinon from "npm:sinon@22.1.0";
import { assertEquals } from "npm:deno-std@1.4.0/assert/mod.js";

function dress(fake) {
  Object.defineProperty(fake, "calls", {
    configurable: true,
    get: () =>
      fake.getCalls().map((call) => ({
        args: call.args,
        returned: call.returnValue,
        error: call.exception,
        self: call.thisValue,
      })),
  });
  fake[Symbol.dispose] = () => fake.restore?.();
  return fake;
}

export function spy(target = () => {}, property) {
  return dress(property === undefined ? sinon.spy(target) : sinon.spy(target, property));
}

export function stub(target, property, fake = () => {}) {
  return dress(sinon.stub(target, property).callsFake(fake));
}

export function assertSpyCalls(fake, expected) {
  assertEquals(fake.calls.length, expected, "calls of the spy");
}

export function assertSpyCall(fake, index, expected) {
  assertEquals(fake.calls[index]?.args, expected?.args ?? fake.calls[index]?.args);
}
