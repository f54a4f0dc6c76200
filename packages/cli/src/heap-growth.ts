/**
 * How much the heap may grow between two full collections, in percent of what the last one left: up to four-fold, the
 * most that V8 allows of itself when it finds a program that allocates much.
 */
const PERCENT = 300;

/**
 * By then a command has loaded what it needs, or is done. A changed flag has V8 refuse the compiled code that Node.js
 * brings of its own modules: loading those of HTTP takes 10 ms more then, and starting a thread 5 ms. In milliseconds.
 */
const DELAY = 500;

/**
 * Has V8 collect less often, a moment from now. It counts the bytes of buffers as if they lay in the heap, which is small
 * in all our programs: so each 12 MB that came from a socket were reason for a collection of everything, a tenth of the
 * processor time of large transfers. Costs 10 to 25 MiB of memory.
 */
export function growHeapFreely(): void {
  setTimeout(() => void grow(), DELAY).unref();
}

async function grow(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString(`--heap-growing-percent=${PERCENT}`);
}
