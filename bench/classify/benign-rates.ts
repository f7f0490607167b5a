import { parseArgs } from 'node:util'
import { loadModel } from '@wardline/model'
import { createClassifier, loadPolicy, policyFolder } from '@wardline/policy'
import { makeForms } from '@wardline/text'
import { readSplit } from './base-texts.ts'

// How often the rules fire on the benign and on the harmful rows of each set's dev split, and by what.
// node bench/classify/benign-rates.ts [--data ../shared/data] [--show N] [--split dev]
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    split: { type: 'string', default: 'dev' },
    show: { type: 'string', default: '0' },
    set: { type: 'string' },
  },
})
const loaded = loadPolicy(policyFolder(process.env))
if (!loaded.ok) throw new Error(`the policy is not valid: ${loaded.problems[0]?.message}`)
const classifier = createClassifier(loaded.policy, loadModel(policyFolder(process.env), process.env))
const SETS = [
  'coldataset',
  'toxicn',
  'waimai-reviews',
  'swsr',
  'chnci',
  'telecom-fraud-5',
  'cyberbullying-roles',
  'chineseharm-bench',
  'davidson-hate',
  'sms-spam-uci',
  'twitter-suicidal',
  'sos-hl-1k',
  'toxicloakcn',
  'cntp',
  'cold-cloaked',
]

const plainComment = {
  kind: 'COMMENT',
  occurredAt: Date.UTC(2026, 5, 1),
  searchQuery: null,
  device: 'PHONE',
  actorAgeBand: 'UNKNOWN',
  usage: null,
} as const
const terms = new Map<string, number>()
console.log(
  'set'.padEnd(22),
  'benign'.padStart(7),
  'flagged'.padStart(9),
  'harmful'.padStart(8),
  'found'.padStart(8),
)
for (const set of values.set ? [values.set] : SETS) {
  const counts = { benign: 0, flagged: 0, harmful: 0, found: 0 }
  for (const { text, category } of readSplit(values.data, set, values.split as 'dev')) {
    if (category === null) continue
    const result = classifier.classify({
      ...plainComment,
      media: [],
      links: [],
      text,
      forms: makeForms(text),
    })
    const fires = result.category !== 'benign'
    if (category === 'benign') {
      counts.benign++
      if (fires) {
        counts.flagged++
        for (const hit of result.ruleHits) {
          for (const { start, end } of hit.spans) {
            const key = `${hit.ruleId} ${text.slice(start, end)}`
            terms.set(key, (terms.get(key) ?? 0) + 1)
          }
        }
      }
    } else {
      counts.harmful++
      if (fires) counts.found++
    }
  }
  const share = (a: number, b: number) => (b === 0 ? '-' : `${((100 * a) / b).toFixed(2)} %`)
  console.log(
    set.padEnd(22),
    String(counts.benign).padStart(7),
    share(counts.flagged, counts.benign).padStart(9),
    String(counts.harmful).padStart(8),
    share(counts.found, counts.harmful).padStart(8),
  )
}
for (const [key, count] of [...terms].sort((a, b) => b[1] - a[1]).slice(0, Number(values.show)))
  console.log(String(count).padStart(5), key)
