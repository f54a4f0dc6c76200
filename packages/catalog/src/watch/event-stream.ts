/** Items that wait for a slow consumer before the producer is held back. */
const MAX_WAITING = 1_000;

/** What one side pushes and the other iterates over; ends with the producer's end or error. */
export class EventStream<Item> implements AsyncIterable<Item> {
  readonly #items: Item[] = [];
  #end: { readonly error: Error | undefined } | undefined;
  #wakeConsumer: (() => void) | undefined;
  #wakeProducer: (() => void) | undefined;

  push(item: Item): void {
    this.#items.push(item);
    this.#wakeConsumer?.();
  }

  /** Ends the stream behind what is in it, with an error if there is one. */
  end(error?: Error): void {
    this.#end ??= { error };
    this.#wakeConsumer?.();
    this.#wakeProducer?.();
  }

  /** Whether the consumer is far behind. */
  get isFull(): boolean {
    return this.#items.length >= MAX_WAITING && !this.#end;
  }

  /** Resolves when the consumer has caught up, or will not any more. */
  async drained(): Promise<void> {
    while (this.isFull) {
      await new Promise<void>((resolve) => {
        this.#wakeProducer = resolve;
      });
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    for (;;) {
      while (this.#items.length > 0) {
        yield* this.#items.splice(0);
        this.#wakeProducer?.();
      }
      if (this.#end) {
        if (this.#end.error) throw this.#end.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wakeConsumer = resolve;
      });
    }
  }
}
