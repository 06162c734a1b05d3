/** What is called in a restricted pipeline's worker with whatever `this` and values. */
export type Method = (this: unknown, ...values: unknown[]) => unknown;

/** A function that says what a pipeline cannot do. */
export function refusal(what: string): Method {
  return function refused() {
    throw new Error(`a pipeline cannot ${what} at this security level`);
  };
}

/** For good: what is put here can be neither changed nor taken away. */
export function replace(owner: object, name: string, value: unknown): void {
  Object.defineProperty(owner, name, { value, writable: false, configurable: false });
}
