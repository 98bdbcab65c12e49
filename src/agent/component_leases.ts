/** The components of an agent, each started before it is used and closed when it no longer is. @module */
import type { Component, ComponentContext } from "../inference/contracts/component.ts";
import { closeComponents, startComponents } from "../inference/contracts/component.ts";
import type { Clock } from "../events/clock.ts";
import type { Report } from "../events/user_code.ts";

/** Options for closing components. */
export interface ClosingOptions {
  clock: Clock;
  report: Report;
}

/**
 * The components that an agent has started: those that it uses and, after an update, those that what
 * began before still uses. A component may be in several of these lists: it is started and closed once.
 */
export class ComponentLeases {
  readonly #leases = new Set<readonly Component[]>();

  /** Starts those that are in no other list; when one fails, none of the list is taken. */
  async take(components: readonly Component[], context: ComponentContext): Promise<void> {
    const used = this.#used;
    this.#leases.add(components);
    try {
      await startComponents(components.filter((one) => !used.has(one)), context);
    } catch (error) {
      this.#leases.delete(components);
      throw error;
    }
  }

  /** Closes those that are in no other list. Never rejects. */
  async release(components: readonly Component[], options: ClosingOptions): Promise<void> {
    if (!this.#leases.delete(components)) return;
    const used = this.#used;
    await closeComponents(components.filter((one) => !used.has(one)), options);
  }

  /** Closes all of them. Never rejects. */
  async releaseAll(options: ClosingOptions): Promise<void> {
    const used = this.#used;
    this.#leases.clear();
    await closeComponents(used, options);
  }

  get #used(): ReadonlySet<Component> {
    return new Set([...this.#leases].flat());
  }
}
