import FakeTimers from "npm:@sinonjs/fake-timers@15.5.0";

export class FakeTime {
  #clock;
  constructor(start = Date.now()) {
    this.#clock = FakeTimers.install({
      now: start instanceof Date ? start.getTime() : Number(start),
      toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"],
    });
  }
  get now() {
    return this.#clock.now;
  }
  set now(value) {
    this.tick(value - this.#clock.now);
  }
  get start() {
    return this.#clock.now;
  }
  tick(ms = 0) {
    this.#clock.tick(ms);
  }
  async tickAsync(ms = 0) {
    await this.#clock.tickAsync(ms);
  }
  async runMicrotasks() {
    await this.#clock.tickAsync(0);
  }
  next() {
    const before = this.#clock.countTimers();
    this.#clock.next();
    return before > 0;
  }
  async nextAsync() {
    const before = this.#clock.countTimers();
    await this.#clock.nextAsync();
    return before > 0;
  }
  runAll() {
    this.#clock.runAll();
  }
  async runAllAsync() {
    await this.#clock.runAllAsync();
  }
  restore() {
    this.#clock.uninstall();
  }
  [Symbol.dispose]() {
    this.restore();
  }
}
