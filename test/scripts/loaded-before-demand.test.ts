import { expect, it } from 'vitest';
import { loadedBeforeDemand } from '../../scripts/loaded-before-demand.mjs';

/** What modules import: always, and after a bar on demand. */
function before(modules: Readonly<Record<string, string>>) {
  const imports = Object.entries(modules).map(([module, text]) => {
    const [always = '', onDemand = ''] = text.split('|');
    const of = (names: string, isOnDemand: boolean) => Array.from(names, (path) => ({ path, isOnDemand }));
    return [module, [...of(always, false), ...of(onDemand, true)]] as const;
  });
  const found = loadedBeforeDemand('a', new Map(imports));
  return Object.fromEntries([...found].map(([module, loaded]) => [module, loaded.toSorted().join('')]));
}

it('a module on demand comes after what asks for it, and all that came before that', () => {
  expect(before({ a: 'b|c', b: '', c: 'd|e', d: '', e: '' })).toEqual({ c: 'ab', e: 'abcd' });
});

it('of several that ask for it only what they have in common is there', () => {
  expect(before({ a: '|bc', b: 'd|e', c: 'df|e', d: '', e: '', f: '' })).toEqual({ b: 'a', c: 'a', e: 'ad' });
});

it('what asks for it may be asked for in more ways than the first', () => {
  expect(before({ a: '|bc', b: '|d', c: 'b', d: '' })).toEqual({ b: 'a', c: 'a', d: 'ab' });
});

it('one that others import always comes before them', () => {
  expect(before({ a: 'bc', b: 'c|d', c: '', d: '|c' })).toEqual({ c: '', d: 'abc' });
  expect(before({ a: '|bd', b: 'c', c: '', d: 'e|c', e: '' })).toEqual({ b: 'a', c: 'a', d: 'a' });
});
