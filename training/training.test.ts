import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeWeights } from '@wardline/model'
import { Random } from '@wardline/sample-feed/random'
import { describe, expect, it } from 'vitest'
import { Corpus } from './corpus.ts'
import { Disguiser } from './disguise.ts'
import { createEvaluationDisguise } from './evaluation-disguise.ts'
import { EVERYDAY_SOUNDS_FILE, everydaySounds } from './everyday-sounds.ts'
import { writtenExamples } from './examples.ts'
import { count, figures, noCounts } from './metrics.ts'
import { NearDuplicates } from './near-duplicates.ts'
import { MODEL_CATEGORIES } from './sources.ts'
import { syntheticTexts } from './templates.ts'
import { DEFAULTS, MissingData, targetsOf, trainingRows, trainModel, withoutDevTexts } from './train-model.ts'

const silent = () => {}

it('the sounds of everyday words are those of the terms and examples there are: node training/everyday-sounds.ts', () => {
  expect(readFileSync(EVERYDAY_SOUNDS_FILE, 'utf8') === everydaySounds()).toBe(true)
})

describe('training', () => {
  it('gives the same bytes for the same rows, and others for another seed', () => {
    const rows = syntheticTexts('train', 1).filter((_, i) => i % 120 === 0)
    const options = { ...DEFAULTS, profile: 'open', bucketBits: 8, epochs: 2, leastCount: 2 } as const
    const bytes = (seed: number) => encodeWeights(trainModel(rows, 'no-data', { ...options, seed }, silent))
    const first = bytes(1)
    expect(Buffer.compare(bytes(1), first)).toBe(0)
    expect(Buffer.compare(bytes(2), first)).not.toBe(0)
  }, 60_000)

  it('refuses to run without the data, and says what to do', () => {
    expect(() => trainingRows('no-data', 'open', 1)).toThrow(MissingData)
    expect(() => trainingRows('no-data', 'open', 1)).toThrow(/DATA=/)
  })

  it('knows what a source cannot tell', () => {
    const at = (category: (typeof MODEL_CATEGORIES)[number]) => 1 + MODEL_CATEGORIES.indexOf(category)
    const targets = targetsOf({ text: '', category: 'hate', source: 'coldataset' })
    expect([targets[0], targets[at('hate')], targets[at('abuse_bullying')], targets[at('fraud')]]).toEqual([
      1, 1, -1, 0,
    ])
    expect(new Set(targetsOf({ text: '', category: 'benign', source: 'coldataset' }))).toEqual(new Set([0]))
  })
})

it('a corpus holds each n-gram of a text once', () => {
  const corpus = new Corpus(1)
  for (const text of ['加微信', '好好好加微信，加微信，加微信', ''])
    corpus.add(text, [1], { weight: 1, heldOut: false, disguised: false })
  for (let text = 0; text < corpus.count; text++) {
    const ids = corpus.ids.slice(corpus.starts[text], corpus.starts[text + 1])
    expect(ids.length).toBeGreaterThan(0)
    expect(new Set(ids).size).toBe(ids.length)
  }
})

describe('the written texts', () => {
  const train = syntheticTexts('train', 1)
  const test = syntheticTexts('test', 2)

  it('cover every category but hate, which has open sets, and hold benign look-alikes of each', () => {
    for (const category of MODEL_CATEGORIES.filter((c) => c !== 'hate')) {
      expect(train.filter((row) => row.category === category).length).toBeGreaterThan(200)
      expect(test.some((row) => row.category === category && row.source === `synthetic/${category}`)).toBe(
        true,
      )
      expect(train.some((row) => row.category === 'benign' && row.source === `synthetic/${category}`)).toBe(
        true,
      )
    }
  })

  it('have no test text among those of training', () => {
    const known = new Set(train.map(({ text }) => text))
    expect(test.filter(({ text }) => known.has(text)).map(({ text }) => text)).toEqual([])
  })

  it('leave no slot unfilled', () => {
    expect([...train, ...test].filter(({ text }) => /[{}]/.test(text))).toEqual([])
  })
})

describe('the examples', () => {
  const train = writtenExamples('train')
  const test = writtenExamples('test')

  it('are harmless more often than not, and one in ten is kept for measuring', () => {
    const all = [...train, ...test]
    expect(all.length).toBeGreaterThan(15_000)
    expect(all.filter(({ category }) => category === 'benign').length / all.length).toBeGreaterThan(0.5)
    expect(test.length / all.length).toBeGreaterThan(0.09)
    expect(test.length / all.length).toBeLessThan(0.11)
  })

  it('have each text once, and fill no slot', () => {
    const all = [...train, ...test].map(({ text }) => text)
    expect(new Set(all).size).toBe(all.length)
    expect(all.filter((text) => /[{}]/.test(text))).toEqual([])
  })

  it('stay out of training where they are like a dev text, unlike what templates make', () => {
    const data = mkdtempSync(join(tmpdir(), 'examples-'))
    mkdirSync(join(data, 'coldataset'))
    const { text } = train[0]!
    writeFileSync(
      join(data, 'coldataset', 'dev.jsonl'),
      `${JSON.stringify({ text: `${text}。`, category: 'benign', source: 'coldataset' })}\n`,
    )
    const rows = [train[0]!, { ...train[0]!, source: 'synthetic/general' }]
    expect(withoutDevTexts(rows, data).map(({ source }) => source)).toEqual(['synthetic/general'])
  })
})

describe('disguises', () => {
  const text = '快来加微信领红包，今天晚上一起玩游戏'

  it('of training change most texts, the same for the same seed', () => {
    const make = () => {
      const disguiser = new Disguiser([...text, ...'家威芯零宏佳唯新'], 'no-data', new Random(3))
      return Array.from({ length: 40 }, () => disguiser.disguise(text))
    }
    expect(make()).toEqual(make())
    expect(make().filter((disguised) => disguised !== text).length).toBeGreaterThan(20)
  })

  it('of the evaluation always change a Chinese text', () => {
    const disguise = createEvaluationDisguise('no-data')
    for (let i = 0; i < 100; i++) expect(disguise(text)).not.toBe(text)
  })
})

describe('near duplicates', () => {
  const known = new NearDuplicates()
  known.add('这个主播说话真难听，天天骂人，看着就烦')

  it('are found in disguise, and other texts are not taken for them', () => {
    expect(known.has('这个煮播说话真难听，天天骂人，看着就烦')).toBe(true)
    expect(known.has('zhe ge zhu bo shuo hua zhen nan ting，天天骂人，看着就烦')).toBe(true)
    expect(known.has('今天的主播讲题讲得真好，学到了很多')).toBe(false)
  })
})

it('figures of known counts', () => {
  const counts = noCounts()
  for (const [truth, answer, times] of [
    [true, true, 8],
    [true, false, 2],
    [false, true, 4],
    [false, false, 6],
  ] as const)
    for (let i = 0; i < times; i++) count(counts, truth, answer)
  const row = figures(counts)
  expect(row.precision).toBeCloseTo(8 / 12)
  expect(row.recall).toBeCloseTo(0.8)
  expect(row.f1).toBeCloseTo(16 / 22)
  expect(row.macroF1).toBeCloseTo((16 / 22 + 12 / 18) / 2)
  expect(row.falsePositiveRate).toBeCloseTo(0.4)
})
