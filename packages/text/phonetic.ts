import type { MappedText, UnitBuffer } from './fold.ts'
import { cutPinyin, isRead, readingOf, SYLLABLE_BYTES, SYLLABLES } from './pinyin.ts'

const SPACE = 0x20
const SLASH = 0x2f

/** The phonetic form being made: ASCII bytes and original offsets, used again for the next text. */
const sound = { bytes: Buffer.alloc(4096), offsets: new Int32Array(4096), length: 0 }

function reserve(length: number): void {
  if (length <= sound.bytes.length) return
  const size = Math.max(length, sound.bytes.length * 2)
  const bytes = Buffer.alloc(size)
  sound.bytes.copy(bytes)
  const offsets = new Int32Array(size)
  offsets.set(sound.offsets)
  sound.bytes = bytes
  sound.offsets = offsets
}

const isLetter = (code: number) => code >= 0x61 && code <= 0x7a
const isDigit = (code: number) => code >= 0x30 && code <= 0x39

/** The phonetic form of a folded text; see soundUnits. */
export function phonetic(folded: MappedText): MappedText {
  const { text, offsets } = folded
  const units = new Uint16Array(text.length)
  for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i)
  const { length, offsets: made } = soundUnits({ units, offsets, length: text.length })
  return { text: soundText(), offsets: made.slice(0, length) }
}

/** The text that soundUnits has just made. */
export const soundText = (): string => sound.bytes.toString('latin1', 0, sound.length)

/**
 * The phonetic form of folded units: a merged syllable for each Han character, written-out pinyin cut into syllables,
 * other runs of letters and digits as they are; each ended by one space. Spaces part nothing, since written-out pinyin
 * has them between its syllables; everything else is a lone `/`. Valid until the next call.
 */
export function soundUnits(folded: UnitBuffer): { offsets: Int32Array; length: number } {
  const { units, offsets, length } = folded
  reserve(length * 7 + 16)
  const { bytes, offsets: made } = sound
  let out = 0
  for (let i = 0; i < length; ) {
    const code = units[i]!
    const offset = offsets[i]!
    if (isRead(code)) {
      const reading = readingOf(code)
      for (let k = 0; k < reading.length; k++) {
        bytes[out] = reading[k]!
        made[out++] = offset
      }
      i++
      continue
    }
    if (isLetter(code)) {
      let end = i + 1
      while (end < length && isLetter(units[end]!)) end++
      const { cut, count } = cutPinyin(units, i, end)
      const beforeDigit = end < length && isDigit(units[end]!)
      if (count > 0 && !(beforeDigit && count < 2)) {
        for (let k = 0; k < count; k++) {
          const syllable = cut[k]!
          const merged = SYLLABLE_BYTES[syllable]!
          const last = i + SYLLABLES[syllable]!.length - 1
          for (let m = 0; m < merged.length; m++) {
            bytes[out] = merged[m]!
            made[out++] = offsets[m === merged.length - 1 ? last : Math.min(i + m, last)]!
          }
          i = last + 1
        }
        continue
      }
    } else if (!isDigit(code)) {
      if (code !== SPACE) {
        bytes[out] = SLASH
        made[out++] = offset
        bytes[out] = SPACE
        made[out++] = offset
      }
      i++
      continue
    }
    // Letters and digits that are no pinyin, up to their end.
    for (; i < length && (isLetter(units[i]!) || isDigit(units[i]!)); i++) {
      bytes[out] = units[i]!
      made[out++] = offsets[i]!
    }
    bytes[out] = SPACE
    made[out++] = offsets[i - 1]!
  }
  sound.length = out
  return { offsets: made, length: out }
}
