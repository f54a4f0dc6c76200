/**
 * Who waits for a server's first reply is told after this time, in milliseconds. The limit of waiting is much longer: a
 * Python server whose workers are all busy with uploads answers once one of them is free.
 */
const FIRST_ANSWER = 5_000;

/** Who waits for a later one is told after this share of the limit, or after this time where there is no limit. */
const SHARE = 0.1;
const WITHOUT_LIMIT = 30_000;

/** One request that is waited for. */
export interface Wait {
  /** Something was sent: the waiting begins anew. */
  moved(): void;
  /** There is an answer, or a failure. */
  end(isAnswered: boolean): void;
}

/**
 * Tells that a server is long in coming while somebody waits for it, once until it answers again. What others get from
 * it, and what it takes of their requests, shows that it is there: a request may also wait for a free connection.
 */
export class SlowAnswers {
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  /** True while nothing has come from the server yet, nor been said about that. */
  #isUnknown = true;
  #isTold = false;

  /**
   * @param server how it is called
   * @param limit of waiting, in milliseconds; 0 for none
   * @param tell told in one line
   */
  constructor(
    private readonly server: string,
    private readonly limit: number,
    private readonly tell: (message: string) => void,
  ) {}

  /** Begins to wait for the answer to a request. */
  begin(): Wait {
    if (this.#waiting++ === 0) this.#start();
    return {
      moved: () => this.#timer?.refresh(),
      end: (isAnswered) => {
        this.#waiting--;
        if (isAnswered) this.#isUnknown = this.#isTold = false;
        if (isAnswered || this.#waiting === 0) this.#start();
      },
    };
  }

  #start(): void {
    clearTimeout(this.#timer);
    const time = this.#isUnknown ? FIRST_ANSWER : this.limit * SHARE || WITHOUT_LIMIT;
    this.#timer = this.#waiting > 0 ? setTimeout(() => this.#onSlow(time), time) : undefined;
  }

  #onSlow(time: number): void {
    if (this.#isTold) return;
    this.#isTold = true;
    const rest =
      this.#isUnknown || this.limit === 0 ? 'still waiting' : `waiting up to ${this.limit / 1000} s`;
    this.tell(`${this.server} has not answered for ${time / 1000} s; ${rest}`);
  }
}

/** Passes a body on and notes with each piece that it moves. */
export async function* noting(
  body: AsyncIterable<Uint8Array>,
  { moved }: Pick<Wait, 'moved'>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    moved();
    yield chunk;
  }
}
