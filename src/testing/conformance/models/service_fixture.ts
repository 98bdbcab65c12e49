/** What the fixtures of models, recognisers and voices have in common: what is tested, and its time. @module */
import type { VirtualClock } from "../../virtual_clock.ts";
import { TestTime } from "../test_time.ts";
import type { ServiceUnderTest } from "./service_act.ts";

/** Creates what one test is about, one after another, and closes it. */
export class ServiceFixture<Act, UnderTest extends ServiceUnderTest & { clock?: VirtualClock }>
  implements AsyncDisposable {
  readonly #factory: (acts: readonly Act[]) => UnderTest | Promise<UnderTest>;
  readonly #limitMs: number;
  #underTest: UnderTest | undefined;
  #time: TestTime;

  constructor(
    factory: (acts: readonly Act[]) => UnderTest | Promise<UnderTest>,
    limitMs: number,
  ) {
    this.#factory = factory;
    this.#limitMs = limitMs;
    this.#time = new TestTime(undefined, limitMs);
  }

  /** The time of what is tested. */
  get time(): TestTime {
    return this.#time;
  }

  /** How many requests the service was sent; `undefined` where that is unknown. */
  get requests(): number | undefined {
    return this.#underTest?.requests?.();
  }

  /** What is tested now. */
  protected get underTest(): UnderTest {
    return this.#underTest!;
  }

  /** Creates what is tested from now on, whose service does this; the one before is closed. */
  protected async replace(acts: readonly Act[]): Promise<UnderTest> {
    await this[Symbol.asyncDispose]();
    const underTest = this.#underTest = await this.#factory(acts);
    this.#time = new TestTime(underTest.clock, this.#limitMs);
    return underTest;
  }

  /** Waits until no request is open. */
  async nothingLeft(): Promise<void> {
    const count = () => this.#underTest?.openRequests?.() ?? 0;
    await this.#time.eventually(() => count() === 0, `${count()} open requests are closed`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#underTest?.[Symbol.asyncDispose]();
    this.#underTest = undefined;
  }
}
