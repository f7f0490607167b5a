/** What came of texts whose truth is known: counts by truth and answer. */
export interface Counts {
  truePositives: number
  falseNegatives: number
  falsePositives: number
  trueNegatives: number
}

export const noCounts = (): Counts => ({
  truePositives: 0,
  falseNegatives: 0,
  falsePositives: 0,
  trueNegatives: 0,
})

export function count(counts: Counts, truth: boolean, answer: boolean): void {
  if (truth) answer ? counts.truePositives++ : counts.falseNegatives++
  else answer ? counts.falsePositives++ : counts.trueNegatives++
}

/** Shares of a table row; null where there is nothing to take a share of. */
export interface Figures {
  readonly texts: number
  readonly positives: number
  readonly precision: number | null
  readonly recall: number | null
  readonly f1: number | null
  /** Mean of the F1 of positive and negative texts; null where the set has only one of them. */
  readonly macroF1: number | null
  readonly falsePositiveRate: number | null
}

export function figures(counts: Counts): Figures {
  const { truePositives: tp, falseNegatives: fn, falsePositives: fp, trueNegatives: tn } = counts
  const share = (part: number, whole: number) => (whole === 0 ? null : part / whole)
  const f1 = share(2 * tp, 2 * tp + fn + fp)
  const negativeF1 = share(2 * tn, 2 * tn + fn + fp)
  const both = tp + fn > 0 && fp + tn > 0
  return {
    texts: tp + fn + fp + tn,
    positives: tp + fn,
    precision: share(tp, tp + fp),
    recall: share(tp, tp + fn),
    f1: tp + fn === 0 ? null : f1,
    macroF1: both ? ((f1 ?? 0) + (negativeF1 ?? 0)) / 2 : null,
    falsePositiveRate: share(fp, fp + tn),
  }
}
