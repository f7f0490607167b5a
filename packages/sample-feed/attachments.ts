import type { Media, MediaLabel, MediaType } from '@wardline/events'
import type { Random } from './random.ts'
import type { MediaHints } from './texts/harmful.ts'

/** What the producer's media recognition finds in harmless pictures. */
export const HARMLESS_LABELS = [
  'person',
  'selfie',
  'food',
  'landscape',
  'pet',
  'document',
  'screenshot',
  'game_screenshot',
  'sports',
  'building',
  'cartoon',
  'plant',
  'vehicle',
  'toy',
  'book',
] as const
/** Findings that are wrong now and then, with a low score. */
const MISTAKEN_LABELS = [
  'suggestive',
  'smoking',
  'violence',
  'gore',
  'tattoo',
  'weapon',
  'ai_generated',
] as const
/** How many media a harmless post has, drawn evenly from this list. */
const MEDIA_COUNTS = [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 8, 9]

/** Makes attachments with ids of their own. */
export class Attachments {
  readonly #random: Random
  #made = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Attachments of a harmless post, none to nine. */
  ofPost(recognized: () => string): Media[] {
    const count = this.#random.pick(MEDIA_COUNTS)
    if (count === 0) return []
    const video = count === 1 && this.#random.chance(0.5)
    const media: Media[] = []
    for (let i = 0; i < count; i++) {
      media.push(
        this.#item(
          video ? 'VIDEO' : 'IMAGE',
          this.#harmlessLabels(),
          this.#random.chance(0.01),
          this.#random.chance(0.06) ? recognized() : null,
        ),
      )
    }
    return media
  }

  /** One harmless picture or voice, as in a message. */
  ofMessage(recognized: () => string): Media[] {
    return this.#random.chance(0.4)
      ? [this.#item('AUDIO', [], false, recognized())]
      : [this.#item('IMAGE', this.#harmlessLabels(), false, null)]
  }

  /** Attachments that show what the hints say; not every one of them does. */
  ofHarm(hints: MediaHints, recognizedText: string | null): Media[] {
    const random = this.#random
    const count = random.chance(0.7) ? 1 : random.between(2, 9)
    const telling = random.below(count)
    const video = count === 1 && random.chance(0.4)
    const media: Media[] = []
    for (let i = 0; i < count; i++) {
      const labels = this.#harmlessLabels()
      if (i === telling || random.chance(0.4))
        labels.push(label(random.pick(hints.labels), random.between(55, 99)))
      const qr = i === telling && random.chance(hints.qr)
      media.push(this.#item(video ? 'VIDEO' : 'IMAGE', labels, qr, i === telling ? recognizedText : null))
    }
    return media
  }

  #harmlessLabels(): MediaLabel[] {
    const random = this.#random
    if (random.chance(0.3)) return []
    const labels = [label(random.pick(HARMLESS_LABELS), random.between(50, 99))]
    if (random.chance(0.03)) labels.push(label(random.pick(MISTAKEN_LABELS), random.between(5, 35)))
    return labels
  }

  #item(type: MediaType, labels: MediaLabel[], hasQrCode: boolean, recognizedText: string | null): Media {
    return { mediaId: `m${(++this.#made).toString(36)}`, type, labels, hasQrCode, recognizedText }
  }
}

/** Scores are multiples of 1/64: exact as the single floats of Avro, so that an event survives encoding unchanged. */
const label = (name: string, percent: number): MediaLabel => ({
  label: name,
  score: Math.round(percent * 0.64) / 64,
})
