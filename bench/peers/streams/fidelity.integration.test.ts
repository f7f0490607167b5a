import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { classify } from '@wardline/classify'
import type { NormalizedEvent } from '@wardline/events'
import { loadModel } from '@wardline/model'
import { createClassifier, loadBundle, policyFolder, readPolicyFiles } from '@wardline/policy'
import { createSampleFeed } from '@wardline/sample-feed'
import { makeForms, wellFormed } from '@wardline/text'
import { describe, expect, it } from 'vitest'
import { buildStreamsPeer, missingForPeer } from './build.ts'

const missing = missingForPeer()
if (missing) console.log(`skipped: ${missing}`)

interface PeerRow {
  readonly folded: string
  readonly phonetic: string
  readonly category: string
  readonly scores: Readonly<Record<string, number>>
  readonly rules: Readonly<Record<string, number>>
  readonly model?: readonly number[]
  readonly fingerprint: number | null
  readonly approach: number
  readonly hostile: number
}

const TEXTS = 2_000
const LONG_TEXTS = 100

const versionIn = (pom: string) =>
  /<kafka.version>(.*)<\/kafka.version>/.exec(readFileSync(new URL(pom, import.meta.url), 'utf8'))?.[1]

it('is of the same version as the broker', () => {
  expect(versionIn('pom.xml')).toBe(versionIn('../../../deploy/local/pom.xml'))
})

describe.skipIf(missing !== null)('the Kafka Streams peer', () => {
  it('makes the same forms, model scores, fingerprints and tones, and nearly always the same category', () => {
    const texts = new Set<string>()
    for (const { event } of createSampleFeed({ seed: 5, startAt: Date.UTC(2026, 8, 21) }).events(3 * TEXTS)) {
      const text = wellFormed(event.text)
      if (text !== '' && texts.size < TEXTS) texts.add(text)
    }
    // Long ones, too, which are read by windows: up to more than the model reads.
    const short = [...texts]
    for (let i = 0; i < LONG_TEXTS; i++) texts.add(short.slice(i * 10, i * 10 + 5 + (i % 10) * 40).join('，'))
    const peer = buildStreamsPeer()
    const output = execFileSync('java', ['-cp', peer.classpath, 'Scores', peer.data, peer.model], {
      input: [...texts].map((text) => JSON.stringify(text)).join('\n'),
      encoding: 'utf8',
      maxBuffer: 256 * 1_048_576,
    })
    const rows = output.trimEnd().split('\n')
    expect(rows).toHaveLength(texts.size)

    const loaded = loadBundle(readPolicyFiles(policyFolder(process.env)))
    if (!loaded.ok) throw new Error('the policy is not valid')
    const model = loadModel(policyFolder(process.env), {})!
    const classifier = createClassifier(loaded.bundle.policy, model)
    let sameCategory = 0
    let harmful = 0
    let sameHarmful = 0
    const differing: string[] = []
    for (const [i, text] of [...texts].entries()) {
      const row = JSON.parse(rows[i]!) as PeerRow
      const forms = makeForms(text)
      expect([row.folded, row.phonetic]).toEqual(forms.map((form) => form.text))
      const ours = classify(eventOf(text, forms), classifier)
      const scores = [...model.score(row.folded, row.phonetic).categories]
      for (const [k, score] of scores.entries()) expect(row.model![k]).toBeCloseTo(score, 9)
      expect(row.fingerprint).toBe(ours.fingerprint)
      expect(row.approach).toBeCloseTo(ours.tones.approach, 4)
      expect(row.hostile).toBeCloseTo(ours.tones.hostile, 4)
      // Long texts are joined of many, nearly each with something that the peer leaves out.
      if (i >= short.length) continue
      const same = row.category === ours.category
      if (same) sameCategory++
      else differing.push(`${text}: ${ours.category}, the peer says ${row.category}`)
      if (ours.category === 'benign') continue
      harmful++
      if (same) sameHarmful++
    }
    // What differs is what README.md says the peer leaves out: contact handles, word boundaries, leetspeak.
    console.log(
      `${sameCategory} of ${short.length} the same category; of ${harmful} harmful ones ${sameHarmful}`,
    )
    expect(sameCategory / short.length, differing.slice(0, 20).join('\n')).toBeGreaterThan(0.98)
    expect(sameHarmful / harmful).toBeGreaterThan(0.9)
  })
})

const eventOf = (text: string, forms: NormalizedEvent['forms']): NormalizedEvent => ({
  eventId: 'e',
  kind: 'COMMENT',
  occurredAt: 1_790_000_000_000,
  feedPartition: 0,
  feedOffset: 0,
  feedAppendedAt: 0,
  actorId: 'a',
  actorAgeBand: 'UNKNOWN',
  protectedId: 'b',
  subjectId: 'b',
  contentId: 'c',
  conversationId: null,
  section: 'comments',
  device: 'PHONE',
  text,
  forms,
  media: [],
  links: [],
  mentions: [],
  searchQuery: null,
  usage: null,
  promotion: null,
})
