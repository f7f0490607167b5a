import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readPolicyFiles } from './policy-files.ts'
import { APPROACH_FEATURES, LOWERING_FEATURES, loadRisk, MARKS, profileOf, RISK_FILE } from './risk.ts'
import { SIGNALS } from './rules.ts'
import { loadTones, TONE_DIMENSIONS, TONES, TONES_FILE, type Tone, ToneModel, toneGrams } from './tones.ts'

const SHIPPED = readPolicyFiles(fileURLToPath(new URL('../../policy', import.meta.url)))
const problemsOf = (file: string, change: (text: string) => string) => {
  const files = new Map(SHIPPED).set(file, change(SHIPPED.get(file)!))
  const loaded = file === RISK_FILE ? loadRisk(files) : loadTones(files)
  return loaded.ok ? [] : loaded.problems
}

describe('risk.yaml', () => {
  it('gives every mark a bit, and knows the signals that rules may give', () => {
    const loaded = loadRisk(SHIPPED)
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
    const { bitsOfSignal, approachWeights } = loaded.risk
    expect([...bitsOfSignal.values()].reduce((all, bits) => all | bits, 0)).toBe(2 ** MARKS.length - 1)
    for (const signal of bitsOfSignal.keys()) expect(SIGNALS).toContain(signal)
    for (const [i, name] of APPROACH_FEATURES.entries())
      expect(LOWERING_FEATURES.has(name) ? approachWeights[i]! <= 0 : approachWeights[i]! >= 0, name).toBe(
        true,
      )
  })

  it('tells which profile an event was classified with by the version of its model', () => {
    expect(['research-dd2aa631c2fd', 'open-45ad637ca851', null].map(profileOf)).toEqual([
      'research',
      'open',
      'open',
    ])
  })

  it('refuses a weight of the wrong sign, an unknown signal and a field too many, with the line', () => {
    for (const [from, to, field] of [
      [/secrecy: [\d.]+/, 'secrecy: -1', 'approach.weights.secrecy'],
      ['ask_alone', 'ask_alon', 'marks.alone'],
      ['leastMinor:', 'leastMinors:', 'pileOn'],
    ] as const) {
      const problems = problemsOf(RISK_FILE, (text) => text.replace(from, to))
      expect(problems[0]?.message).toContain(field)
      expect(problems[0]!.line).toBeGreaterThan(1)
    }
    expect(loadRisk(new Map()).ok).toBe(false)
  })
})

describe('tones.yaml', () => {
  it('refuses weights of another size', () => {
    const problems = problemsOf(TONES_FILE, (text) => text.replace(/weights: .*/, 'weights: AAAA'))
    expect(problems).toEqual([
      { file: TONES_FILE, line: expect.any(Number), message: expect.stringContaining('there must be') },
    ])
  })

  it('says nothing about nothing, and stays within its limits', () => {
    const loaded = loadTones(SHIPPED)
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
    expect(loaded.tones.open.scores('')).toEqual({ approach: 0, recruiting: 0, hostile: 0 })
    const loud = (tone: Tone, scale: number) => ({
      bias: 0,
      scale,
      weights: Buffer.alloc(TONE_DIMENSIONS[tone], 127).toString('base64'),
    })
    const model = new ToneModel({
      approach: loud('approach', 100),
      recruiting: loud('recruiting', 100),
      hostile: loud('hostile', 1e-9),
    })
    expect(model.scores('随便说点什么')).toMatchObject({ approach: 6, recruiting: 6 })
    expect(model.scores('随便说点什么').hostile).toBeCloseTo(0)
    expect(Object.keys(loaded.tones.open.scores('在'))).toEqual([...TONES])
  })

  it('takes recruiting by the n-grams it knows: words that it has never met do not thin out those that it has', () => {
    const known = '兼职日结，在家就能做，声音好听就来，包教包会'
    const unknown = '龘靐齉爩麤龗灪龖厵滟爨癵籱饢驫鲡鹂鸾麣纞虋讟钃鸜麷'
    const has = (tone: Tone) => {
      const weights = new Int8Array(TONE_DIMENSIONS[tone])
      for (const gram of toneGrams(tone, known)) weights[gram] = 1
      return { bias: 0, scale: 0.1, weights: Buffer.from(weights.buffer).toString('base64') }
    }
    const model = new ToneModel({
      approach: has('approach'),
      recruiting: has('recruiting'),
      hostile: has('hostile'),
    })
    const [alone, among] = [model.scores(known), model.scores(known + unknown)]
    expect(among.recruiting).toBeGreaterThan(0.98 * alone.recruiting)
    expect(among.approach).toBeLessThan(0.9 * alone.approach)
  })

  it('has a hostile tone of its own for research, and the other tones in common', () => {
    const loaded = loadTones(SHIPPED)
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
    const [open, research] = [loaded.tones.open, loaded.tones.research].map((each) =>
      each.scores('你这种人真恶心，滚远点'),
    )
    expect(research!.hostile).not.toBe(open!.hostile)
    expect(research).toMatchObject({ approach: open!.approach, recruiting: open!.recruiting })
    const problems = problemsOf(TONES_FILE, (text) =>
      text.replace(/(hostileResearch:\n.*\n.*\n {2}weights: ).*/, '$1AAAA'),
    )
    expect(problems).toEqual([
      { file: TONES_FILE, line: expect.any(Number), message: expect.stringContaining('there must be') },
    ])
  })

  it('tells lines that were made up now from one another', () => {
    const loaded = loadTones(SHIPPED)
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
    const hostile = (text: string) => loaded.tones.open.scores(text).hostile
    expect(hostile('你这种人真恶心，滚远点')).toBeGreaterThan(hostile('今天的云真好看，谢谢分享'))
  })
})
