import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeForms } from '@wardline/text'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createModel,
  decodeWeights,
  encodeWeights,
  explainingSpans,
  Features,
  InvalidModelFile,
  loadModel,
  readModel,
  WAYS,
  type Weights,
} from './index.ts'

const BUCKET_BITS = 10
const SLOTS = WAYS << BUCKET_BITS
const KINDS = 2

const formsOf = (text: string): [string, string] => {
  const forms = makeForms(text)
  const textOf = (kind: string) => forms.find((form) => form.form === kind)?.text ?? ''
  return [textOf('FOLDED'), textOf('PHONETIC')]
}

/** A model of two categories in which the n-grams of a word weigh: for harmful at all, then for each. */
function modelOf(word: string, [weight, ...ofCategories]: readonly [number, number, number]): Weights {
  const tags = new Uint16Array(SLOTS)
  const harmful = new Float32Array(SLOTS)
  const byCategory = new Float32Array(KINDS << BUCKET_BITS)
  const features = new Features()
  features.read(...formsOf(word))
  for (let i = 0; i < features.count; i++) {
    // Not the single characters and the space around the word.
    if (features.ends[i]! - features.starts[i]! < 2) continue
    const id = features.ids[i]!
    const bucket = id & (2 ** BUCKET_BITS - 1)
    tags[bucket * WAYS] = id >>> 16 || 1
    harmful[bucket * WAYS] = weight
    byCategory.set(ofCategories, bucket * KINDS)
  }
  return {
    profile: 'open',
    categories: ['gambling', 'fraud'],
    bucketBits: BUCKET_BITS,
    biases: [-2, -2, -2],
    slopes: [1, 1, 1],
    offsets: [0, 0, 0],
    tags,
    harmful,
    byCategory,
  }
}

const weights = modelOf('百家乐', [3, 3, -3])
const model = createModel(weights, 'test')

describe('features', () => {
  const idsOf = (text: string) => {
    const features = new Features()
    features.read(...formsOf(text))
    return Array.from(features.ids.subarray(features.firstToken, features.count))
  }

  it('of the sound are equal for what sounds alike', () => {
    expect(idsOf('家威芯')).toEqual(idsOf('加微信'))
    expect(idsOf('jiaweixin')).toEqual(idsOf('加微信'))
  })

  it('keep something of a pair whose members changed places', () => {
    const swapped = new Set(idsOf('拳女'))
    expect(idsOf('女拳').filter((id) => swapped.has(id)).length).toBeGreaterThan(2)
  })

  it('are as many as the length gives, and lie within the forms', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (raw) => {
        const [folded, phonetic] = formsOf(raw.toWellFormed())
        const features = new Features()
        features.read(folded, phonetic)
        expect(features.count).toBeLessThanOrEqual((folded.length + 2) * 4 + phonetic.length * 6)
        for (let i = 0; i < features.count; i++) {
          const length = i < features.firstToken ? folded.length : phonetic.length
          expect(features.starts[i]).toBeLessThanOrEqual(features.ends[i]!)
          expect(features.ends[i]).toBeLessThanOrEqual(length)
        }
      }),
    )
  })
})

describe('scores', () => {
  it('tell a category from the other and from harmless text', () => {
    const { harmful, categories } = model.score(...formsOf('来玩百家乐'))
    expect(harmful).toBeGreaterThan(0.5)
    expect(categories[0]).toBeCloseTo(harmful)
    expect(categories[1]).toBeLessThan(0.1)
    expect(model.score(...formsOf('今天天气不错')).harmful).toBeLessThan(0.2)
  })

  it('are the same for what sounds alike, or nearly', () => {
    expect(model.score(...formsOf('来玩bai jia le')).harmful).toBeGreaterThan(0.5)
  })

  it('take what a later n-gram of a bucket says for harmful at all, and for no category', () => {
    const moved = modelOf('百家乐', [3, 3, 3])
    for (let slot = 0; slot < SLOTS; slot += WAYS) {
      moved.tags[slot + 1] = moved.tags[slot]!
      moved.harmful[slot + 1] = moved.harmful[slot]!
      moved.tags[slot] = 0
    }
    const text = formsOf('来玩百家乐')
    const { harmful, categories } = createModel({ ...moved, biases: [-2, -2, -5] }, 'test').score(...text)
    expect(harmful).toBeGreaterThan(0.8)
    // What the categories' own biases say, raised to what both kinds of heads say together.
    expect(categories[0]).toBeCloseTo(harmful, 9)
    expect(categories[1]).toBeLessThan(harmful / 10)
    expect(
      createModel({ ...moved, harmful: new Float32Array(SLOTS) }, 'test').score(...text).harmful,
    ).toBeLessThan(0.2)
  })

  it('are higher where both kinds of heads speak for harm than where one does', () => {
    const text = formsOf('来玩百家乐')
    const harmfulOf = (weights: [number, number, number]) =>
      createModel(modelOf('百家乐', weights), 'test').score(...text).harmful
    expect(harmfulOf([2, 2, 0])).toBeGreaterThan(harmfulOf([2, 0, 0]))
    expect(harmfulOf([2, 2, 0])).toBeGreaterThan(harmfulOf([0, 2, 0]))
    expect(harmfulOf([2, 0, 0])).toBeCloseTo(harmfulOf([0, 2, 0]), 9)
  })

  it('do not grow by saying the same again', () => {
    const said = (times: number) =>
      model.score(...formsOf('来玩百家乐，今天天气不错。'.repeat(times))).harmful
    expect(said(40)).toBeCloseTo(said(3), 12)
  })

  it('see harm that a long harmless text stands around, wherever it stands', () => {
    const padding = (from: number, length: number) =>
      Array.from({ length }, (_, i) => String.fromCharCode(0x4e00 + ((from + i * 37) % 5000))).join('')
    const learned = modelOf(`百家乐${padding(0, 900)}`, [-0.4, -0.4, -0.4])
    const hit = modelOf('百家乐', [3, 3, -3])
    for (let slot = 0; slot < SLOTS; slot += WAYS) {
      if (hit.tags[slot] === 0) continue
      learned.tags[slot] = hit.tags[slot]!
      learned.harmful[slot] = hit.harmful[slot]!
      const row = (slot / WAYS) * KINDS
      learned.byCategory.set(hit.byCategory.subarray(row, row + KINDS), row)
    }
    const diluted = createModel({ ...learned, biases: [0, 0, 0] }, 'test')
    const harmless = diluted.score(...formsOf(padding(0, 900))).harmful
    for (const at of [0, 430, 900]) {
      const text = `${padding(0, at)}百家乐${padding(at * 37, 900 - at)}`
      expect(diluted.score(...formsOf(text)).harmful).toBeGreaterThan(harmless * 1.3)
    }
  })

  it('are probabilities for any text, and cost no more than its length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (raw) => {
        const { harmful, categories } = model.score(...formsOf(raw.toWellFormed()))
        for (const score of [harmful, ...categories]) {
          expect(score).toBeGreaterThanOrEqual(0)
          expect(score).toBeLessThanOrEqual(1)
        }
      }),
    )
    const [folded, phonetic] = formsOf('百家乐'.repeat(33_334))
    model.score(folded, phonetic)
    const started = performance.now()
    model.score(folded, phonetic)
    expect(performance.now() - started).toBeLessThan(250)
  })
})

describe('an explanation', () => {
  it('points at what was written, also in disguise', () => {
    for (const [text, written] of [
      ['大家快来玩百家乐呀', '百家乐'],
      ['大家快来玩百.家.乐呀', '百.家.乐'],
    ] as const) {
      const forms = makeForms(text)
      model.score(forms[0]!.text, forms[1]!.text)
      const spans = explainingSpans(text, forms, model.contributions(0))
      expect(spans.map(({ start, end }) => text.slice(start, end))).toEqual([written])
    }
  })

  it('is empty where nothing speaks for the category', () => {
    const forms = makeForms('今天天气不错')
    model.score(forms[0]!.text, forms[1]!.text)
    expect(explainingSpans('今天天气不错', forms, model.contributions(0))).toEqual([])
  })
})

describe('the file', () => {
  const file = encodeWeights(weights)

  it('gives back what was written', () => {
    expect(decodeWeights(file)).toEqual(weights)
    expect(encodeWeights(decodeWeights(file))).toEqual(file)
    expect(readModel(file).version).toMatch(/^open-[0-9a-f]{12}$/)
  })

  it('is refused where a byte of it changed or it was cut, whichever byte', () => {
    fc.assert(
      fc.property(
        fc.nat(file.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (at, change, cut) => {
          const broken = cut ? file.slice(0, at) : file.slice()
          if (!cut) broken[at]! ^= change
          expect(() => decodeWeights(broken)).toThrow(InvalidModelFile)
        },
      ),
    )
  })

  it('of another format names both versions', () => {
    const other = file.slice()
    other[8] = 9
    expect(() => decodeWeights(other)).toThrow(/format 9.*make train/)
  })

  it('that is missing or broken is refused with the file and a remedy', () => {
    const folder = mkdtempSync(join(tmpdir(), 'model-'))
    expect(() => loadModel(folder, {})).toThrow(/open\.bin cannot be read \(ENOENT\).*WARDLINE_MODEL=off/)
    expect(() => loadModel(folder, { WARDLINE_MODEL: 'large' })).toThrow(/must be open, research or off/)
    expect(loadModel(folder, { WARDLINE_MODEL: 'off' })).toBeNull()
    const policy = fileURLToPath(new URL('../../policy/', import.meta.url))
    expect(loadModel(policy, {})!.profile).toBe('open')
    writeFileSync(join(folder, 'model'), '')
    expect(() => loadModel(folder, {})).toThrow(InvalidModelFile)
  })
})
