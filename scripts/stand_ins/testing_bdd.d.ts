type Fn = () => void | Promise<void>;
export function describe(name: string, fn: () => void): void;
export function it(name: string, fn: Fn): void;
export function beforeAll(fn: Fn): void;
export function afterAll(fn: Fn): void;
export function beforeEach(fn: Fn): void;
export function afterEach(fn: Fn): void;
