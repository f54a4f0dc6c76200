/**
 * The lines of a UTF-8 text as it arrives, without their newlines; a last line may lack its own. Those that arrive
 * together come together: a long listing has more lines than is good to wait for one by one.
 */
export async function* lineGroupsOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  for await (const chunk of source) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) yield lines;
  }
  rest += decoder.decode();
  if (rest !== '') yield [rest];
}

/** The same, one by one. */
export async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  for await (const lines of lineGroupsOf(source)) yield* lines;
}
