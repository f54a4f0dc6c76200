const STARTING = 0;
const ASKING = 1;
const ADMITTED = 2;
const REFUSED = 3;

/**
 * Whether a thread may help, in a word of shared memory: it must see the state that the thread sees for which it works,
 * and only that one can tell.
 */
export class Admission {
  constructor(readonly word: Int32Array) {}

  static pending(): Admission {
    return new Admission(new Int32Array(new SharedArrayBuffer(4)));
  }

  /** Asks, once the state is fixed, and blocks until there is an answer. */
  ask(): boolean {
    if (Atomics.compareExchange(this.word, 0, STARTING, ASKING) === STARTING)
      Atomics.wait(this.word, 0, ASKING);
    return Atomics.load(this.word, 0) === ADMITTED;
  }

  /** Whether the thread waits for an answer. */
  get isAsked(): boolean {
    return Atomics.load(this.word, 0) === ASKING;
  }

  /** Whether the thread was let in. */
  get isGiven(): boolean {
    return Atomics.load(this.word, 0) === ADMITTED;
  }

  /** Answers, also a thread that has not asked yet. */
  answer(mayHelp: boolean): void {
    Atomics.store(this.word, 0, mayHelp ? ADMITTED : REFUSED);
    Atomics.notify(this.word, 0);
  }
}
