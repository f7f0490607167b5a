import type { TextForm } from '@wardline/events'
import { foldedText, foldUnits } from './fold.ts'
import { encodeMap } from './offset-map.ts'
import { soundText, soundUnits } from './phonetic.ts'

/** The text with lone surrogates replaced by U+FFFD, so that offsets mean the same to every reader. */
export const wellFormed = (text: string): string => text.toWellFormed()

/** The comparison forms of a text, each with its way back. Linear in the length. Empty for an empty text. */
export function makeForms(text: string): TextForm[] {
  if (text === '') return []
  const folded = foldUnits(text)
  const foldedForm = foldedText(text)
  const sound = soundUnits(folded)
  return [
    {
      form: 'FOLDED',
      text: foldedForm,
      map: foldedForm === text ? [] : encodeMap(folded.offsets, folded.length, text.length),
    },
    { form: 'PHONETIC', text: soundText(), map: encodeMap(sound.offsets, sound.length, text.length) },
  ]
}
