import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Converter } from 'opencc-js/t2cn'

// Writes split-characters.tsv from kfcd/chaizi: sequences of parts that hardly occur in ordinary text, and the character
// they make. What is ordinary is counted in the training texts; only counts come from them.
// node packages/text/data/build-split-characters.ts --data ../shared/data
const { values } = parseArgs({ options: { data: { type: 'string', default: '../shared/data' } } })
const simplify = Converter({ from: 't', to: 'cn' })

const MOST_PARTS = 4
/** A sequence of parts that ordinary texts have at most this often, in about 3.5 million characters, is a split character. */
const MOST_OCCURRENCES = 1

const singles = new Map<string, number>()
const sequences = new Map<string, number>()
const add = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)
for (const set of readdirSync(values.data)) {
  let lines: string[]
  try {
    lines = readFileSync(join(values.data, set, 'train.jsonl'), 'utf8').split('\n')
  } catch {
    continue
  }
  for (const line of lines) {
    if (line === '') continue
    const { text, lang } = JSON.parse(line) as { text: string; lang: string }
    if (lang !== 'zh') continue
    const characters = [...simplify(text)]
    for (let i = 0; i < characters.length; i++) {
      add(singles, characters[i]!)
      for (let n = 2; n <= MOST_PARTS && i + n <= characters.length; n++)
        add(sequences, characters.slice(i, i + n).join(''))
    }
  }
}

// GB 2312 has the characters of everyday writing.
const everyday = new Set<string>()
const gb = new TextDecoder('gb18030')
for (let high = 0xb0; high <= 0xf7; high++) {
  for (let low = 0xa1; low <= 0xfe; low++) everyday.add(gb.decode(Uint8Array.of(high, low)))
}
// Coarse characters that writers split and the standard leaves out.
for (const character of '屄肏氼屌') everyday.add(character)

// 口交 is a term of its own and no split 咬.
const listed = readdirSync(new URL('../../../policy/lexicon/', import.meta.url))
  .filter((name) => name.endsWith('.tsv'))
  .map((name) => simplify(readFileSync(new URL(`../../../policy/lexicon/${name}`, import.meta.url), 'utf8')))
  .join('\n')

const wholeOf = new Map<string, string>()
for (const line of readFileSync(join(values.data, 'variants/chaizi.tsv'), 'utf8').split('\n')) {
  const [whole = '', partList = ''] = line.split('\t')
  if (!everyday.has(whole)) continue
  const parts = partList.split(' ').map((part) => simplify(part))
  const sequence = parts.join('')
  if (parts.length < 2 || parts.length > MOST_PARTS || [...sequence].some((c) => c.length > 1)) continue
  if ((sequences.get(sequence) ?? 0) > MOST_OCCURRENCES) continue
  // One- and two-stroke parts alone say nothing: 一一, 八一, 十二.
  if (parts.every((part) => part === parts[0]) || listed.includes(sequence)) continue
  // A number in words stays one.
  if (parts.every((part) => '零〇一二三四五六七八九十'.includes(part))) continue
  if (parts.length === 2 && parts.every((part) => /^[一二三八十人入口大小上下中不了个]$/.test(part))) continue
  const known = wholeOf.get(sequence)
  if (known === undefined || (singles.get(whole) ?? 0) > (singles.get(known) ?? 0))
    wholeOf.set(sequence, whole)
}
const rows = [...wholeOf].filter(([, whole]) => (singles.get(whole) ?? 0) > 0 || whole === '屄')
writeFileSync(
  new URL('split-characters.tsv', import.meta.url),
  rows
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([sequence, whole]) => `${sequence}\t${whole}\n`)
    .join(''),
)
console.log(`${rows.length} sequences`)
