import type { Corpus } from './corpus.ts'

/** Probability = sigmoid(slope × margin + offset). */
export interface Scaling {
  readonly slope: number
  readonly offset: number
}

const STEPS = 100
/** Keeps the slope of a head with few texts near 1. */
const RIDGE = 1

/**
 * Platt scaling (Platt, 1999) of one head on the texts that were held out of the fit, by Newton's method, with his
 * smoothed targets. `margins[text × heads + head]`.
 */
export function scaleHead(corpus: Corpus, margins: Float64Array, head: number): Scaling {
  const { heads, targets, heldOut, weights } = corpus
  const chosen: number[] = []
  let positives = 0
  for (let text = 0; text < corpus.count; text++) {
    const target = targets[text * heads + head]!
    if (heldOut[text] !== 1 || target < 0) continue
    chosen.push(text)
    positives += target
  }
  if (positives === 0 || positives === chosen.length) return { slope: 1, offset: 0 }
  const high = (positives + 1) / (positives + 2)
  const low = 1 / (chosen.length - positives + 2)
  let slope = 1
  let offset = 0
  for (let step = 0; step < STEPS; step++) {
    let [gradientA, gradientB, aa, ab, bb] = [RIDGE * (slope - 1), 0, RIDGE, 0, 1e-9]
    for (const text of chosen) {
      const margin = margins[text * heads + head]!
      const probability = 1 / (1 + Math.exp(-(slope * margin + offset)))
      const weight = weights[text]!
      const error = weight * (probability - (targets[text * heads + head] === 1 ? high : low))
      const curve = weight * Math.max(1e-9, probability * (1 - probability))
      gradientA += error * margin
      gradientB += error
      aa += curve * margin * margin
      ab += curve * margin
      bb += curve
    }
    const determinant = aa * bb - ab * ab
    const stepA = (bb * gradientA - ab * gradientB) / determinant
    const stepB = (aa * gradientB - ab * gradientA) / determinant
    slope -= stepA
    offset -= stepB
    if (Math.abs(stepA) + Math.abs(stepB) < 1e-9) break
  }
  return { slope, offset }
}
