/**
 * Whether a regular expression from a file may take forever. First by its form: a repeated group with a choice or a repetition inside can
 * take exponential time ((a+)+, (a|aa)*), and so can references back. Then by trying: what is left is polynomial, and is run on short texts
 * of the characters it names, longer and longer, until it is clear that it is fast or that it is not.
 */

const MAX_SOURCE = 8192;
const MAX_DEPTH = 40;
const MAX_REPEATS = 1000;
/** Repetitions without an upper bound that follow each other in one alternative. */
const MAX_OPEN_REPEATS = 8;
/** A sound pattern takes microseconds on the longest probe, a quadratic one 2 ms: a hundredfold slower machine, or a busy one, decides alike. */
const PROBE_LIMIT_MS = 300;
const PROBE_LENGTHS = [8, 24, 40, 64, 96, 128, 192, 256, 384, 512, 768, 1024];

/** Of a part of a pattern: whether how much it matches varies, whether it has alternatives, how often its longest repetition multiplies. */
interface Shape {
  varies: boolean;
  chooses: boolean;
  openRepeats: number;
  copies: number;
}
const FIXED: Shape = { varies: false, chooses: false, openRepeats: 0, copies: 1 };

class Risk extends Error {}

class Reader {
  private at = 0;
  constructor(private readonly source: string) {}

  read(): Shape {
    const shape = this.alternatives(0);
    if (this.at < this.source.length) throw new Risk('closes a group that it never opened');
    return shape;
  }

  private alternatives(depth: number): Shape {
    if (depth > MAX_DEPTH) throw new Risk(`is nested more than ${MAX_DEPTH} deep`);
    let whole = this.sequence(depth);
    while (this.source[this.at] === '|') {
      this.at++;
      const next = this.sequence(depth);
      whole = { varies: true, chooses: true, openRepeats: Math.max(whole.openRepeats, next.openRepeats), copies: Math.max(whole.copies, next.copies) };
    }
    return whole;
  }

  private sequence(depth: number): Shape {
    let whole = FIXED;
    while (this.at < this.source.length && this.source[this.at] !== '|' && this.source[this.at] !== ')') {
      const part = this.repeated(this.atom(depth));
      const openRepeats = whole.openRepeats + part.openRepeats;
      if (openRepeats > MAX_OPEN_REPEATS) throw new Risk(`has more than ${MAX_OPEN_REPEATS} open repetitions in a row`);
      whole = { varies: whole.varies || part.varies, chooses: whole.chooses || part.chooses, openRepeats, copies: Math.max(whole.copies, part.copies) };
    }
    return whole;
  }

  private atom(depth: number): Shape {
    const character = this.source[this.at++] as string;
    if (character === '\\') return this.escape();
    if (character === '[') return this.characterClass();
    if (character !== '(') return FIXED;
    if (this.source[this.at] === '?') {
      const opening = /^\?(?:[:=!>]|<[=!]|<[A-Za-z_]\w*>|[a-z-]+[:)]|#)/.exec(this.source.slice(this.at, this.at + 80));
      if (!opening || opening[0] === '?#') throw new Risk('opens a kind of group that is not supported');
      this.at += opening[0].length;
      if (opening[0].endsWith(')')) return FIXED; // flags from here on
    }
    const inside = this.alternatives(depth + 1);
    if (this.source[this.at] !== ')') throw new Risk('opens a group that it never closes');
    this.at++;
    return inside;
  }

  private escape(): Shape {
    const rest = this.source.slice(this.at, this.at + 80);
    if (/^([1-9]|k[<'{]|g[<'{])/.test(rest)) throw new Risk('refers back to what a group matched, which can take exponential time');
    const braced = /^[pPxu]\{[^}]*\}/.exec(rest);
    this.at += braced ? braced[0].length : 1;
    return FIXED;
  }

  /** To the bracket that closes it; Oniguruma nests classes. */
  private characterClass(): Shape {
    let open = 1;
    if (this.source[this.at] === '^') this.at++;
    if (this.source[this.at] === ']') this.at++;
    for (; this.at < this.source.length; this.at++) {
      const character = this.source[this.at];
      if (character === '\\') this.at++;
      else if (character === '[') open++;
      else if (character === ']' && --open === 0) {
        this.at++;
        return FIXED;
      }
    }
    throw new Risk('opens a character class that it never closes');
  }

  private repeated(inside: Shape): Shape {
    const rest = this.source.slice(this.at, this.at + 40);
    const quantifier = /^(?:([*+?])|\{(\d*)(?:(,)(\d*))?\})[?+]?/.exec(rest);
    if (!quantifier || quantifier[0].startsWith('{}') || quantifier[0].startsWith('{,}')) return inside;
    this.at += quantifier[0].length;
    const [, sign, low, comma, high] = quantifier;
    const least = sign ? (sign === '+' ? 1 : 0) : Number(low || 0);
    const most = sign ? (sign === '?' ? 1 : Infinity) : comma ? (high ? Number(high) : Infinity) : least;
    const bounded = most === Infinity ? least : most;
    if (bounded > MAX_REPEATS || bounded * inside.copies > MAX_REPEATS) throw new Risk(`repeats something more than ${MAX_REPEATS} times`);
    if (most > 1 && (inside.varies || inside.chooses)) throw new Risk('repeats a group that itself repeats or chooses, which can take exponential time');
    return { varies: inside.varies || least !== most, chooses: inside.chooses, openRepeats: most === Infinity ? 1 : inside.openRepeats, copies: Math.max(1, bounded) * inside.copies };
  }
}

/** What is wrong with the form of a pattern, as the end of a sentence; null if nothing. */
export function structuralRisk(source: string): string | null {
  if (source.length > MAX_SOURCE) return `is longer than ${MAX_SOURCE} characters`;
  try {
    new Reader(source).read();
    return null;
  } catch (error) {
    if (error instanceof Risk) return error.message;
    throw error;
  }
}

const GENERAL = ['a', 'A', '0', ' ', '\n', '.', "'", '_', 'é', '你', '\u0301', '😀'];

/** Characters that the pattern names, and some of every kind. */
function probeCharacters(source: string): string[] {
  const named = [...source.replace(/\\[pP]\{[^}]*\}|\\./g, '')].filter((character) => !/[\\^$.*+?()[\]{}|:=!<>,&-]/.test(character));
  return [...new Set([...GENERAL, ...named])].slice(0, 16);
}

/** What is wrong with the time a pattern takes, as the end of a sentence; null if nothing. @param compiled global */
export function slowProbe(compiled: RegExp, source: string): string | null {
  const characters = probeCharacters(source);
  const units = [...characters, ...characters.slice(1).map((character, i) => `${characters[i] as string}${character}`)];
  for (const unit of units)
    for (const length of PROBE_LENGTHS) {
      const text = `${unit.repeat(length / unit.length)}\u0001`;
      let best = Infinity;
      for (let tries = 0; tries < 3 && best > PROBE_LIMIT_MS; tries++) {
        const begin = performance.now();
        compiled.lastIndex = 0;
        text.replace(compiled, '');
        best = Math.min(best, performance.now() - begin);
      }
      if (best > PROBE_LIMIT_MS) return `takes ${Math.round(best)} ms for ${length} characters: a longer text would never end`;
      if (text.length > length + 1) break;
    }
  return null;
}
