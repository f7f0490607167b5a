import { findContactHandles } from './contact-handles.ts'

/** Fewer letters and ideographs than this say too little: greetings and thanks would be copies of one another. */
const LEAST_CHARACTERS = 8
const MOST_CONTACTS = 8

/** Digits as handles are read out, so that a handle has one hash however it is written. */
const DIGIT_OF_WORD: ReadonlyMap<string, string> = new Map(
  ['零〇洞', '一壹幺', '二贰两', '三叁', '四肆', '五伍', '六陆', '七柒拐', '八捌', '九玖'].flatMap(
    (words, digit) => [...words].map((word) => [word, String(digit)] as const),
  ),
)
const SEPARATORS = ' .-'

/** 32-bit finaliser of MurmurHash3 (Austin Appleby, public domain). */
function mixed(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

const LOW = 2 ** 32
const HIGH_BITS = 20

/**
 * How many runs had each bit set, as binary numbers that lie across words: plane p has bit p of all counts, so that one
 * addition counts 32 bits at once. Used for text after text: what is said about one leaves nothing behind.
 */
const PLANES = 16
/** Runs that are looked at: no count outgrows the planes. */
const MOST_RUNS = 2 ** PLANES - 1
const lowPlanes = new Int32Array(PLANES)
const highPlanes = new Int32Array(PLANES)

/**
 * SimHash (Charikar 2002) of a folded text over its runs of two and three letters or ideographs: digits count as one and the
 * same, whatever else is left out. 52 bits, the low 32 and 20 above them, so that it is exact in a double. null where
 * the text is too short.
 */
export function fingerprintOf(folded: string): number | null {
  lowPlanes.fill(0)
  highPlanes.fill(0)
  let runs = 0
  let first = 0
  let second = 0
  let count = 0
  for (let i = 0; i < folded.length; i++) {
    let code = folded.charCodeAt(i)
    if (code < 0x80) {
      if (code >= 0x30 && code <= 0x39) code = 0x30
      else if (code < 0x61 || code > 0x7a) continue
    } else if (code < 0x3400 || (code >= 0xd800 && code <= 0xf8ff)) continue
    // Numbers may be longer or shorter in a copy.
    if (code === 0x30 && second === 0x30) continue
    count++
    if (count >= 2 && runs < MOST_RUNS) {
      countBits(Math.imul(second ^ 0x5f356495, 0x01000193) ^ code)
      runs++
    }
    if (count >= 3 && runs < MOST_RUNS) {
      countBits(Math.imul(Math.imul(first, 0x01000193) ^ second, 0x01000193) ^ code)
      runs++
    }
    first = second
    second = code
  }
  if (count < LEAST_CHARACTERS) return null
  return majority(highPlanes, HIGH_BITS, runs) * LOW + majority(lowPlanes, 32, runs)
}

function countBits(run: number): void {
  let carry = mixed(run) | 0
  let high = mixed(carry ^ 0x297a2d39) | 0
  for (let plane = 0; carry !== 0; plane++) {
    const next = lowPlanes[plane]! & carry
    lowPlanes[plane]! ^= carry
    carry = next
  }
  for (let plane = 0; high !== 0; plane++) {
    const next = highPlanes[plane]! & high
    highPlanes[plane]! ^= high
    high = next
  }
}

/** The bits that more than half of the runs had set. */
function majority(planes: Int32Array, bits: number, runs: number): number {
  const used = 32 - Math.clz32(runs)
  let word = 0
  for (let bit = 0; bit < bits; bit++) {
    let votes = 0
    for (let plane = 0; plane < used; plane++) votes |= ((planes[plane]! >>> bit) & 1) << plane
    if (2 * votes > runs) word |= 1 << bit
  }
  return word >>> 0
}

/** In how many bits two fingerprints differ. */
export function differingBits(a: number, b: number): number {
  return ones((a % LOW) ^ (b % LOW)) + ones(Math.floor(a / LOW) ^ Math.floor(b / LOW))
}

function ones(word: number): number {
  let count = 0
  for (let rest = word >>> 0; rest !== 0; rest &= rest - 1) count++
  return count
}

/** Hashes of the contact handles in a folded text, signed 32 bits, ascending, each once. See ClassifiedEvent.contactHashes. */
export function contactHashesOf(folded: string): number[] {
  const handles = findContactHandles(folded)
  if (handles.length === 0) return NO_CONTACTS
  const hashes = new Set<number>()
  for (const { kind, start, end } of handles) {
    let hash = kind.charCodeAt(0)
    for (let i = start; i < end; i++) {
      const unit = DIGIT_OF_WORD.get(folded[i]!) ?? folded[i]!
      if (!SEPARATORS.includes(unit)) hash = Math.imul(hash ^ unit.charCodeAt(0), 0x01000193)
    }
    hashes.add(mixed(hash) | 0)
    if (hashes.size === MOST_CONTACTS) break
  }
  return [...hashes].sort((x, y) => x - y)
}

/** Shared by the events without handles, which are most: nobody changes it. */
const NO_CONTACTS: number[] = []
