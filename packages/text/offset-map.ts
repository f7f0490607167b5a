import type { TextForm } from '@wardline/events'

/**
 * The way back of a form as it travels: pairs (offset in the form, offset in the original) where the two cease to run
 * side by side; see TextForm.map in schemas/. Empty where form and original are equal. `offsets` holds the original
 * offset of each of the form's `length` code units, ascending.
 */
export function encodeMap(offsets: Int32Array, length: number, originalLength: number): number[] {
  const map: number[] = []
  let pairAt = 0
  let pairOffset = -1
  for (let i = 0; i < length; ) {
    const offset = offsets[i]!
    let end = i + 1
    while (end < length && offsets[end] === offset) end++
    const next = end < length ? offsets[end]! : originalLength
    if (pairOffset === -1 || pairOffset + (i - pairAt) !== offset) {
      map.push(i, offset)
      pairAt = i
      pairOffset = offset
    }
    // Several units of one character: a reader stops before the next pair's original. Where that is not the very next
    // offset, or lies behind no pair at all, each unit says it itself.
    if (end - i > 1 && next - 1 > offset) {
      for (let k = i + 1; k < end; k++) map.push(k, offset)
      pairAt = end - 1
      pairOffset = offset
    }
    i = end
  }
  // The last pair runs on to the end of the form; a closing one keeps it inside of the original.
  if (pairOffset + (length - pairAt) > originalLength) map.push(length, originalLength)
  return map
}

/** The way back of a form: original offset of each of its code units. */
export function decodeMap(form: TextForm): Int32Array {
  const { map } = form
  const { length } = form.text
  const offsets = new Int32Array(length)
  if (map.length === 0) {
    for (let i = 0; i < length; i++) offsets[i] = i
    return offsets
  }
  for (let pair = 0; pair < map.length; pair += 2) {
    const from = map[pair]!
    const original = map[pair + 1]!
    const until = Math.min(map[pair + 2] ?? length, length)
    const next = map[pair + 3]
    const last = next === undefined ? Number.MAX_SAFE_INTEGER : Math.max(original, next - 1)
    for (let i = from; i < until; i++) offsets[i] = Math.min(last, original + (i - from))
  }
  return offsets
}

/** Range of the original that a range of a form stands for. `original` is the text that the form was made of. */
export function originalSpan(
  offsets: Int32Array,
  start: number,
  end: number,
  original: string,
): [number, number] {
  let first = offsets[start] ?? original.length
  const last = offsets[end - 1] ?? first
  // Never half a surrogate pair: several units may stand for one emoji.
  if (isLowSurrogate(original.charCodeAt(first)) && isHighSurrogate(original.charCodeAt(first - 1))) first--
  const codePoint = original.codePointAt(last) ?? 0
  return [first, Math.min(original.length, last + (codePoint > 0xffff ? 2 : 1))]
}

const isHighSurrogate = (code: number) => code >= 0xd800 && code <= 0xdbff
const isLowSurrogate = (code: number) => code >= 0xdc00 && code <= 0xdfff
