// deno-lint-ignore-file no-explicit-any
export interface SpyCall {
  args: any[];
  returned?: any;
  error?: Error;
  self?: any;
}
export interface Spy<Args extends unknown[] = any[], Return = any> extends Disposable {
  (...args: Args): Return;
  readonly calls: SpyCall[];
  restore(): void;
}
export function spy(): Spy<any[], void>;
export function spy<Args extends unknown[], Return>(
  fn: (...args: Args) => Return,
): Spy<Args, Return>;
export function spy<T extends object, K extends keyof T>(target: T, property: K): Spy;
export function stub<T extends object, K extends keyof T>(
  target: T,
  property: K,
  fake?: (...args: any[]) => any,
): Spy;
export function assertSpyCalls(spy: Spy<any, any>, expected: number): void;
export function assertSpyCall(
  spy: Spy<any, any>,
  index: number,
  expected?: { args?: unknown[] },
): void;
