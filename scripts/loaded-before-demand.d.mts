/** The path of a module that another one imports. */
interface Import {
  readonly path: string;
  readonly isOnDemand: boolean;
}

export function loadedBeforeDemand(
  entry: string,
  modules: ReadonlyMap<string, readonly Import[]>,
): Map<string, readonly string[]>;
