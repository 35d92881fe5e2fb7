/** Names for new runs that people can remember and say. Not identifiers: runs have an id. */

const MANNERS = ['amber', 'brisk', 'calm', 'clever', 'cosy', 'dapper', 'gentle', 'hazel', 'jolly', 'keen', 'lively', 'mellow', 'merry', 'nimble', 'plucky', 'quiet', 'rusty', 'steady', 'sunny', 'velvet'];
const ANIMALS = ['badger', 'beaver', 'dormouse', 'finch', 'fox', 'hare', 'hedgehog', 'heron', 'lark', 'lynx', 'marten', 'newt', 'otter', 'owl', 'puffin', 'robin', 'seal', 'sparrow', 'stoat', 'wren'];

/**
 * "calm-otter", or "calm-otter-2" if that name is taken.
 * @param pick a number in [0, 1), such as Math.random
 */
export function suggestRunName(taken: readonly string[], pick: () => number): string {
  const choose = (words: readonly string[]): string => words[Math.floor(pick() * words.length)] as string;
  const name = `${choose(MANNERS)}-${choose(ANIMALS)}`;
  const used = new Set(taken);
  let unique = name;
  for (let i = 2; used.has(unique); i++) unique = `${name}-${i}`;
  return unique;
}
