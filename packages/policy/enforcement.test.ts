import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CATEGORY_SYMBOLS } from '@wardline/events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BAND_VERDICTS, bandAt, loadEnforcement } from './enforcement.ts'

const SHIPPED = fileURLToPath(new URL('../../policy', import.meta.url))
const shipped = (name: string) => readFileSync(join(SHIPPED, name), 'utf8')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wardline-policy-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** The problems of the files that ship after a change to one of them, as `file:line message`. */
function problems(name: 'enforcement.yaml' | 'statements.yaml', from: string, to: string): string[] {
  for (const each of ['enforcement.yaml', 'statements.yaml']) {
    const text = shipped(each)
    if (each === name && !text.includes(from)) throw new Error(`${name} has no ${from}`)
    writeFileSync(join(folder, each), each === name ? text.replace(from, to) : text)
  }
  const loaded = loadEnforcement(folder)
  if (loaded.ok) return []
  return loaded.problems.map(
    ({ file, line, message }) => `${file.slice(folder.length + 1)}:${line} ${message}`,
  )
}
/** Line on which a text first stands in a file that ships. */
const lineOf = (name: string, text: string): number => {
  const lines = shipped(name).split('\n')
  return lines.findIndex((line) => line.includes(text)) + 1
}

describe('loadEnforcement', () => {
  it('takes what ships', () => {
    const loaded = loadEnforcement(SHIPPED)
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2))
    const { enforcement } = loaded
    expect(enforcement.areas.get('fraud')!.steps[1]).toEqual({ points: 3, action: 'MUTE', seconds: 86_400 })
    expect(enforcement.categories.fraud.bands.youthMode).toEqual(enforcement.categories.fraud.bands.minor)
    expect(enforcement.statements.categories.fraud.legalBasis[0]).toBe(
      'PRC Law on the Protection of Minors, Art. 80',
    )
    for (const category of CATEGORY_SYMBOLS) {
      const { bands, area } = enforcement.categories[category]
      for (const band of [...bands.everyone, ...bands.minor, ...bands.youthMode]) {
        expect(band.points === 0 || BAND_VERDICTS.indexOf(band.verdict) >= 2).toBe(true)
        expect(band.points === 0 || area.steps.length > 0).toBe(true)
      }
    }
    expect(enforcement.categories.self_harm.bands.minor.every(({ points }) => points === 0)).toBe(true)
  })

  it('names the file, the line and what is wrong with a value', () => {
    const line = lineOf('enforcement.yaml', '{ from: 0.9, verdict: REMOVE, points: 3 }')
    const text = '{ from: 0.9, verdict: REMOVE, points: 3 }'
    expect(problems('enforcement.yaml', text, text.replace('REMOVE', 'DELETE'))).toEqual([
      expect.stringMatching(
        new RegExp(`^enforcement.yaml:${line} categories.sexual_enticement.bands.everyone.0.verdict: `),
      ),
    ])
    expect(problems('enforcement.yaml', text, text.replace('0.9', '1.9'))[0]).toContain(
      `enforcement.yaml:${line} `,
    )
  })

  it('names an unknown and a missing key', () => {
    const line = lineOf('enforcement.yaml', 'reversalDays')
    expect(problems('enforcement.yaml', 'reversalDays: 180', 'reversalDays: 180\nreversalWeeks: 2')).toEqual([
      `enforcement.yaml:${line + 1} reversalWeeks: not known`,
    ])
    expect(problems('enforcement.yaml', '  gambling:\n    area: fraud\n', '  gambling:\n')).toEqual([
      expect.stringMatching(
        `^enforcement.yaml:${lineOf('enforcement.yaml', '  gambling:')} categories.gambling.area: `,
      ),
    ])
  })

  it('reports every problem of both files at once, and what is no YAML at its line', () => {
    writeFileSync(join(folder, 'enforcement.yaml'), 'version: a\nareas: [')
    writeFileSync(
      join(folder, 'statements.yaml'),
      shipped('statements.yaml').replace("item: '4.2'", "item: '9.9'"),
    )
    const loaded = loadEnforcement(folder)
    if (loaded.ok) throw new Error('taken')
    expect(loaded.problems.map(({ file, line }) => [file.slice(folder.length + 1), line])).toEqual([
      ['enforcement.yaml', 2],
      ['statements.yaml', lineOf('statements.yaml', "item: '4.2'")],
    ])
  })

  it('names files that are not there', () => {
    const loaded = loadEnforcement(join(folder, 'nowhere'))
    expect(loaded).toMatchObject({ ok: false, problems: [{ message: /cannot be read/ }, {}] })
  })

  const selfHarm =
    '- { from: 0.55, verdict: HOLD_FOR_REVIEW, points: 0 }\n        - { from: 0.4, verdict: LIMIT_REACH'
  it.each([
    ['an area that is not there', '    area: abuse\n', '    area: abuses\n', /no area abuses/],
    [
      'bands that do not descend',
      'from: 0.75, verdict: HIDE, points: 1',
      'from: 0.95, verdict: HIDE, points: 1',
      /must descend/,
    ],
    [
      'a higher risk answered more mildly',
      'from: 0.9, verdict: REMOVE, points: 3',
      'from: 0.9, verdict: LIMIT_REACH, points: 3',
      /more severely/,
    ],
    ['minors protected less', 'from: 0.45, verdict: HOLD', 'from: 0.64, verdict: HOLD', /less strictly/],
    ['a strike for self-harm', selfHarm, selfHarm.replace('points: 0', 'points: 1'), /must never strike/],
    ['self-harm hidden', selfHarm, selfHarm.replace('HOLD_FOR_REVIEW', 'HIDE'), /HOLD_FOR_REVIEW at most/],
    ['a ladder that goes down', 'points: 10, action: BAN', 'points: 10, action: WARN', /go down/],
    ['steps that do not ascend', 'points: 10, action: BAN', 'points: 6, action: BAN', /must ascend/],
    ['a mute without an end', 'points: 3, action: MUTE, hours: 24', 'points: 3, action: MUTE', /needs hours/],
    [
      'the young shown more than the older',
      'youthFrom: { 0: 0.1, 3: 0.12, 8: 0.17',
      'youthFrom: { 0: 0.1, 3: 0.2, 8: 0.17',
      /stricter for 8 than for 3/,
    ],
    ['an age node left out', 'youthFrom: { 0: 0.1, 3', 'youthFrom: { 3', /youthFrom.0/],
    ['a memory shorter than the strikes', 'withinDays: 730', 'withinDays: 30', /looks back less far/],
    ['a day below an hour', 'BAN: { perHour: 2000', 'BAN: { perHour: 20000', /perDay is below perHour/],
    [
      'a breaker that is always open',
      'anyRule: { perHour: 20000',
      'anyRule: { perHour: 0',
      /anyRule.perHour/,
    ],
    [
      'an action without a breaker',
      '    BAN: { perHour: 2000, perDay: 10000, share: 0.01 }\n',
      '',
      /actions.BAN/,
    ],
    ['a sample above all', 'sampleRate: 0.002', 'sampleRate: 2', /review.sampleRate/],
    ['a threshold beyond what is counted', '  minors: 5\n', '  minors: 64\n', /contactSpread.minors/],
  ])('refuses %s', (_, from, to, message) => {
    const found = problems('enforcement.yaml', from, to)
    expect(found.length).toBeGreaterThan(0)
    expect(found.join('\n')).toMatch(message)
  })

  it('refuses an unknown law and an unknown placeholder', () => {
    expect(
      problems('statements.yaml', 'legalBasis: [cyberspace766]', 'legalBasis: [nowhere]').join(),
    ).toMatch(/no law nowhere/)
    expect(problems('statements.yaml', 'This {kind} may be', 'This {actor} may be').join()).toMatch(
      /placeholder/,
    )
    expect(problems('statements.yaml', 'has been warned.', 'is warned for {duration}.').join()).toMatch(
      /actions.WARN.en: unknown placeholder/,
    )
  })
})

describe('bandAt', () => {
  const bands = [
    { from: 0.9, verdict: 'REMOVE', points: 2 },
    { from: 0.5, verdict: 'HIDE', points: 1 },
  ] as const
  it.each([
    [1, 'REMOVE'],
    [0.9, 'REMOVE'],
    // As it comes off the wire.
    [Math.fround(0.9), 'REMOVE'],
    [0.89, 'HIDE'],
    [0.5, 'HIDE'],
    [0.49, undefined],
  ])('%f: %s', (risk, verdict) => {
    expect(bandAt(bands, risk)?.verdict).toBe(verdict)
  })
})
