// Which modules of a program are loaded already when it loads others on demand.

/**
 * For each module that is loaded on demand, all that are loaded already whichever way leads to it.
 *
 * @param entry the module that the program begins with
 * @param modules of each module what it imports: the paths of others, and whether they are loaded on demand
 * @returns modules that are loaded on demand, with those that are loaded before them
 */
export function loadedBeforeDemand(entry, modules) {
  const imports = (module, wantsOnDemand) =>
    modules
      .get(module)
      .filter(({ isOnDemand }) => isOnDemand === wantsOnDemand)
      .map(({ path }) => path);
  const onDemand = new Set([...modules.keys()].flatMap((module) => imports(module, true)));
  const before = new Map([[entry, []]]);
  const waiting = [entry];
  const narrow = (module, there) => {
    const known = before.get(module);
    const common = known?.filter((loaded) => there.has(loaded)) ?? [...there];
    if (common.length === known?.length) return;
    before.set(module, common);
    waiting.push(module);
  };
  for (let start = waiting.pop(); start !== undefined; start = waiting.pop()) {
    const earlier = new Set(before.get(start));
    const together = new Set([start]);
    // What is added meanwhile is looked at, too.
    for (const module of together) for (const needed of imports(module, false)) together.add(needed);
    const all = new Set([...earlier, ...together]);
    for (const module of together) for (const demanded of imports(module, true)) narrow(demanded, all);
    // One that is loaded along with others here and on demand there comes before those that need it.
    for (const module of together) if (module !== start && onDemand.has(module)) narrow(module, earlier);
  }
  before.delete(entry);
  return before;
}
