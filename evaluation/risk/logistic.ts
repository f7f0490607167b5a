import type { Random } from '@wardline/sample-feed'
import { DIMENSIONS, gramsOf, Idf, type Sparse } from './vectors.ts'

export interface Sample {
  readonly features: readonly number[]
  readonly harmful: boolean
  readonly weight: number
}

/**
 * Weights of a small logistic model by projected gradient descent: each stays within a `factor` of
 * what `prior` has, so that no weight can come to say something else than it is meant to. L2 on the distance to `prior`, none on the bias: what the samples do not settle stays as the prior has it.
 */
export function fitLogistic(
  samples: readonly Sample[],
  prior: readonly number[],
  { factor = 2, rounds = 2_500, rate = 0.5, l2 = 0.001 } = {},
): { bias: number; weights: number[] } {
  const weights = prior.slice()
  let bias = 0
  const total = samples.reduce((sum, { weight }) => sum + weight, 0)
  const gradient = new Float64Array(weights.length)
  for (let round = 0; round < rounds; round++) {
    gradient.fill(0)
    let biasGradient = 0
    for (const { features, harmful, weight } of samples) {
      let logit = bias
      for (let i = 0; i < weights.length; i++) logit += weights[i]! * features[i]!
      const error = (weight * (1 / (1 + Math.exp(-logit)) - (harmful ? 1 : 0))) / total
      biasGradient += error
      for (let i = 0; i < weights.length; i++) gradient[i]! += error * features[i]!
    }
    const step = rate * (1 + 9 * (1 - round / rounds))
    bias -= step * biasGradient
    for (let i = 0; i < weights.length; i++) {
      const next = weights[i]! - step * (gradient[i]! + l2 * (weights[i]! - prior[i]!))
      const [half, twice] = [prior[i]! / factor, prior[i]! * factor]
      weights[i] = Math.min(Math.max(half, twice), Math.max(Math.min(half, twice), next))
    }
  }
  return { bias, weights }
}

/** A linear model over hashed n-grams of all that was said so far, in one text. */
export class ConcatenatedModel {
  readonly #idf = new Idf()
  readonly #weights = new Float64Array(DIMENSIONS)
  #bias = 0
  readonly #grams = new Map<string, Sparse>()

  /** Logistic regression by AdaGrad over `texts`, each a list of messages. */
  fit(texts: readonly { messages: readonly string[]; harmful: boolean }[], random: Random, epochs = 8): void {
    const documents = texts.map(({ messages, harmful }) => {
      const grams = new Map<number, number>()
      for (const message of messages) add(grams, this.#of(message))
      return { grams, harmful }
    })
    for (const { grams } of documents) this.#idf.add(grams)
    const vectors = documents.map(({ grams, harmful }) => ({ vector: this.#idf.vector(grams), harmful }))
    const squares = new Float64Array(DIMENSIONS).fill(1e-8)
    let biasSquare = 1e-8
    const share = texts.filter(({ harmful }) => harmful).length / texts.length
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (const { vector, harmful } of random.shuffle(vectors.slice())) {
        const error =
          (this.#sigmoid(vector) - (harmful ? 1 : 0)) * (harmful ? 0.5 / share : 0.5 / (1 - share))
        biasSquare += error * error
        this.#bias -= (0.1 * error) / Math.sqrt(biasSquare)
        for (const [at, value] of vector) {
          const gradient = error * value + 1e-6 * this.#weights[at]!
          squares[at]! += gradient * gradient
          this.#weights[at]! -= (0.2 * gradient) / Math.sqrt(squares[at]!)
        }
      }
    }
  }

  /** Scores after each message. */
  scores(messages: readonly string[]): number[] {
    const grams = new Map<number, number>()
    return messages.map((message) => {
      add(grams, this.#of(message))
      return this.#sigmoid(this.#idf.vector(grams))
    })
  }

  #sigmoid(vector: Sparse): number {
    let logit = this.#bias
    for (const [at, value] of vector) logit += this.#weights[at]! * value
    return 1 / (1 + Math.exp(-logit))
  }

  #of(message: string): Sparse {
    let grams = this.#grams.get(message)
    if (!grams) {
      grams = gramsOf(message)
      if (this.#grams.size < 200_000) this.#grams.set(message, grams)
    }
    return grams
  }
}

function add(to: Map<number, number>, grams: Sparse): void {
  for (const [at, count] of grams) to.set(at, (to.get(at) ?? 0) + count)
}
