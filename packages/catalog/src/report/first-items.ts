/** Keeps the first of many items in an order, in bounded memory. */
export class FirstItems<Item> {
  #items: Item[] = [];
  /** What comes behind this one is none of the first. */
  #last: Item | undefined;

  constructor(
    private readonly limit: number,
    private readonly order: (a: Item, b: Item) => number,
  ) {}

  add(item: Item): void {
    if (this.#last !== undefined && this.order(item, this.#last) > 0) return;
    this.#items.push(item);
    // Sorting now and then keeps both memory and time bounded.
    if (this.#items.length < 2 * this.limit + 1_000) return;
    this.#items = this.sorted();
    this.#last = this.#items.at(-1);
  }

  sorted(): Item[] {
    return this.#items.toSorted(this.order).slice(0, this.limit);
  }
}
