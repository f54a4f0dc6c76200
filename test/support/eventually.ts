import { expect } from 'vitest';

/** Expects something of a value that is looked at again and again, with patience for a busy machine. */
export const eventually = <Value>(look: () => Value) => expect.poll(look, { timeout: 25_000, interval: 50 });
