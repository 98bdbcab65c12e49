export class FakeTime implements Disposable {
  constructor(start?: number | string | Date | null);
  get now(): number;
  set now(value: number);
  readonly start: number;
  tick(ms?: number): void;
  tickAsync(ms?: number): Promise<void>;
  runMicrotasks(): Promise<void>;
  next(): boolean;
  nextAsync(): Promise<boolean>;
  runAll(): void;
  runAllAsync(): Promise<void>;
  restore(): void;
  [Symbol.dispose](): void;
}
