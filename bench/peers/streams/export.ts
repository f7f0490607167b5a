/**
 * Writes what the Kafka Streams peer needs of Wardline as one JSON file: the folding and pinyin tables, the terms that
 * policy/ compiles to, its rules, tones, bands and ladders. The model's weights are read from policy/model itself.
 */
import { writeFileSync } from 'node:fs'
import { loadBundle, policyFolder, readPolicyFiles } from '@wardline/policy'
import { fold, phonetic } from '@wardline/text'
import { parse } from 'yaml'
import { yieldsToModel } from '../../../packages/policy/classifier.ts'
import { EVERYDAY_SOUNDS } from '../../../packages/policy/term-matcher.ts'
import {
  foldCodePoint,
  isPicture,
  SPLIT_CHARACTERS,
  separatorStrength,
} from '../../../packages/text/code-points.ts'
import { foldSyllable, isRead, readingOf, SYLLABLES } from '../../../packages/text/pinyin.ts'

export function exportPolicy(file: string): void {
  const files = readPolicyFiles(policyFolder(process.env))
  const loaded = loadBundle(files)
  if (!loaded.ok) throw new Error(`the policy is not valid: ${loaded.problems[0]?.message}`)
  const { policy, enforcement } = loaded.bundle

  const folds: [number, string][] = []
  for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue
    const reading = foldCodePoint(code)
    if (reading !== String.fromCodePoint(code)) folds.push([code, reading])
  }
  let separators = ''
  let readings = ''
  for (let code = 0; code <= 0xffff; code++) {
    separators += separatorStrength(String.fromCharCode(code))
    if (isRead(code)) readings += Buffer.from(readingOf(code)).toString('latin1')
  }
  const pictures: number[] = []
  for (let code = 0; code <= 0xffff; code++) if (isPicture(code)) pictures.push(code)

  const rules = policy.rules.filter((rule) => rule.mode === 'live' || rule.mode === 'shadow')
  const terms: { term: string; weight: number; uses: [rule: number, weight: number][] }[] = []
  const indexOf = new Map<string, number>()
  for (const [rule, { when, weight }] of rules.entries()) {
    const listed = (when.lexicon !== undefined && policy.lexicons.get(when.lexicon)) || []
    for (const each of [...(when.terms ?? []).map((term) => ({ term, weight })), ...listed]) {
      const term = fold(each.term).text
      let index = indexOf.get(term)
      if (index === undefined) {
        index = terms.length
        indexOf.set(term, index)
        terms.push({ term, weight: 0, uses: [] })
      }
      terms[index]!.weight = Math.max(terms[index]!.weight, each.weight)
      terms[index]!.uses.push([rule, each.weight])
    }
  }
  const phrases = (lexicon: string) =>
    (policy.lexicons.get(lexicon) ?? []).map(({ term, weight }) => ({ term: fold(term).text, weight }))

  writeFileSync(
    file,
    JSON.stringify({
      version: policy.version,
      folds,
      separators,
      pictures,
      splits: SPLIT_CHARACTERS,
      readings,
      syllables: SYLLABLES.map((syllable) => [syllable, foldSyllable(syllable)]),
      terms: terms.map((term) => {
        const sound = phonetic(fold(term.term)).text
        return { ...term, sound, everyday: EVERYDAY_SOUNDS.has(sound.trim()) }
      }),
      allow: policy.allow.map((phrase) => fold(phrase).text),
      negations: phrases('context-before'),
      contexts: phrases('context-anywhere'),
      rules: rules.map((rule) => ({
        id: rule.id,
        item: rule.item,
        category: rule.category,
        kinds: rule.kinds ?? null,
        when: rule.when,
        yieldsToModel: yieldsToModel(rule),
        threshold: rule.threshold,
        score: rule.score ?? 0,
        signal: rule.signal ?? null,
        live: rule.mode === 'live',
        from: rule.from === undefined ? null : Date.parse(rule.from),
        until: rule.until === undefined ? null : Date.parse(rule.until),
      })),
      thresholds: policy.thresholds,
      tones: parse(files.get('tones.yaml')!),
      enforcement: {
        version: enforcement.version,
        areas: [...enforcement.areas.values()],
        categories: Object.fromEntries(
          Object.entries(enforcement.categories).map(([category, each]) => [
            category,
            { area: each.area.name, youthFrom: each.youthFrom, bands: each.bands },
          ]),
        ),
      },
    }),
  )
}

if (process.argv[1] === import.meta.filename) exportPolicy(process.argv[2]!)
