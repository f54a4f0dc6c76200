/** Roughly the bytes of machine code that a function of WebAssembly runs before V8 optimizes it; it would be 1,800,000. */
const BUDGET = 100_000_000;

/**
 * Has V8 optimize WebAssembly later, from now on. The parser of HTTP replies is one, with a function so large that a
 * command's first reply is enough for V8 to optimize it: 90 ms of the processor's time, a third of what a short command
 * took. Some hundred replies are enough now; up to 5,000 took as long with the parser as it is.
 *
 * It is called once the client is loaded: a changed flag has V8 refuse the compiled code of Node.js's own modules.
 */
export async function optimizeParserLate(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString(`--wasm-tiering-budget=${BUDGET}`);
}
