import type { AgeBand, EventKind } from '@wardline/events'
import { APPROACH_STAGES, type ApproachStage } from '@wardline/policy/risk'
import { disguise, Random } from '@wardline/sample-feed'
import { PARAMETERS, type Shares } from './parameters.ts'
import { BRISK } from './texts/brisk.ts'
import { COLLOQUIAL } from './texts/colloquial.ts'
import { DEVELOPMENT } from './texts/development.ts'
import { FITTING } from './texts/fitting.ts'
import { ROUNDABOUT } from './texts/roundabout.ts'
import { TESTING } from './texts/testing.ts'
import type { HonestScenario, Lines, Wording } from './texts/wording.ts'
import { WORDY } from './texts/wordy.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export type WordingName =
  | 'fitting'
  | 'development'
  | 'colloquial'
  | 'wordy'
  | 'roundabout'
  | 'brisk'
  | 'testing'
export type ConversationKind = 'approach' | 'recruiting' | 'pile_on' | 'honest' | 'thread'

/** One message. `telling`: it belongs to what is harmful about the conversation. */
export interface SimulatedMessage {
  /** ms since 1970 UTC. */
  readonly at: number
  readonly actorId: string
  readonly actorBand: AgeBand
  readonly subjectId: string
  readonly subjectBand: AgeBand
  readonly kind: EventKind
  readonly conversationId: string
  readonly text: string
  readonly telling: boolean
}

export interface Conversation {
  readonly id: string
  readonly kind: ConversationKind
  /** `approach`, `recruiting`, `pile_on`, `thread`, or which honest scenario. */
  readonly scenario: string
  readonly harmful: boolean
  /** Account that is to be protected. */
  readonly minorId: string
  readonly minorBand: AgeBand
  /** The other side; of a thread nobody in particular. */
  readonly otherId: string
  /** Guardians whom the minor's profile names. */
  readonly guardianIds: readonly string[]
  readonly messages: readonly SimulatedMessage[]
}

/** Local time of all simulated minors: UTC+8. */
export const UTC_OFFSET_MINUTES = 480
/** Monday 2026-09-21, midnight in UTC+8. */
const START = Date.UTC(2026, 8, 20, 16)

const WORDINGS: Readonly<Record<WordingName, Wording>> = {
  fitting: FITTING,
  development: DEVELOPMENT,
  colloquial: COLLOQUIAL,
  wordy: WORDY,
  roundabout: ROUNDABOUT,
  brisk: BRISK,
  testing: TESTING,
}
const SLOTS: Readonly<Record<string, readonly string[]>> = {
  nick: ['小宇', '萌萌', '乐乐', '子涵', '一一', '阿哲'],
  subject: ['数学', '英语', '语文', '物理', '科学'],
  grade: ['五年级', '六年级', '初一', '初二', '初三'],
  game: ['王者', '蛋仔', '吃鸡', '我的世界', '光遇'],
  city: ['成都', '杭州', '郑州', '武汉', '南宁'],
  sport: ['篮球', '羽毛球', '游泳', '足球'],
  surname: ['王', '李', '周', '陈'],
  idol: ['那个团', '他们', '主唱'],
}
const TELLING: ReadonlySet<ApproachStage> = new Set(['alone', 'secrecy', 'gift', 'sexual', 'move', 'meet'])

/** Writes conversations from PARAMETERS: the same seed and wording, the same conversations. */
export class Simulator {
  readonly #random: Random
  readonly #wording: Wording
  readonly #name: string
  #serial = 0

  constructor(seed: number, wording: WordingName) {
    this.#random = new Random(seed)
    this.#wording = WORDINGS[wording]
    this.#name = `${wording}-${seed}`
  }

  conversation(kind: ConversationKind): Conversation {
    switch (kind) {
      case 'approach':
        return this.#approach()
      case 'recruiting':
        return this.#recruiting()
      case 'pile_on':
        return this.#pileOn(true)
      case 'thread':
        return this.#pileOn(false)
      case 'honest':
        return this.#honest()
    }
  }

  #draw<T>(shares: Shares<T>): T {
    let rest = this.#random.float() * shares.reduce((sum, [, share]) => sum + share, 0)
    for (const [value, share] of shares) {
      rest -= share
      if (rest < 0) return value
    }
    return shares.at(-1)![0]
  }

  #between([low, high]: readonly [number, number]): number {
    return this.#random.between(low, high)
  }

  #write(lines: Lines, disguised = 0): string {
    const random = this.#random
    const text = random
      .pick(lines)
      .replace(/\{(\w+)\}/g, (_, slot: string) =>
        SLOTS[slot] ? random.pick(SLOTS[slot]) : this.#handle(slot),
      )
    return random.chance(disguised) ? disguise(text, [], random) : text
  }

  /** A handle that belongs to nobody: QQ numbers of 990 and WeChat names that say so. */
  #handle(slot: string): string {
    const digits = String(this.#random.between(100_000, 999_999))
    return slot === 'qq' ? `QQ 990${digits}` : `微信 demo_${digits}`
  }

  /** A moment on a day: at night between 21:00 and 00:30, else between 15:00 and 21:00, local time. */
  #sitting(day: number, night: number): number {
    const minute = this.#random.chance(night)
      ? this.#random.between(21 * 60, 24 * 60 + 30)
      : this.#random.between(15 * 60, 21 * 60)
    return START + day * DAY + minute * MINUTE
  }

  #begin(kind: ConversationKind, scenario: string, otherBand: AgeBand, minorBand: AgeBand): Talk {
    const id = `${this.#name}-${kind}-${this.#serial++}`
    const minorId = `${id}-minor`
    const otherId = `${id}-other`
    return new Talk({ id, kind, scenario, minorId, minorBand, otherId, otherBand })
  }

  #approach(): Conversation {
    const random = this.#random
    const { approach, disguised, minorBands } = PARAMETERS
    const minorBand: AgeBand = this.#draw(minorBands)
    const talk = this.#begin('approach', 'approach', this.#draw<AgeBand>(approach.actorBands), minorBand)
    const plan = this.#plan()
    const pace = this.#draw(approach.pace)
    let day = random.below(30)
    let at = this.#sitting(day, approach.night)
    for (const stage of plan) {
      for (let count = this.#between(approach.linesPerStage); count > 0; count--) {
        if (random.chance(approach.smallTalk)) {
          talk.other(at, this.#write(this.#wording.smallTalk), false)
          at += random.exponential(2) * MINUTE
          if (random.chance(0.5)) talk.minor(at, this.#write(this.#wording.answers))
          at += random.exponential(2) * MINUTE
        }
        talk.other(at, this.#write(this.#wording.stages[stage], disguised), stage !== 'contact')
        at += random.exponential(3) * MINUTE
        if (TELLING.has(stage) && random.chance(approach.refused)) {
          talk.minor(at, this.#write(this.#wording.refusals))
          at += random.exponential(2) * MINUTE
          if (random.chance(approach.insists))
            talk.other(at, this.#write(this.#wording.pressing, disguised), true)
        } else if (random.chance(approach.answered)) talk.minor(at, this.#write(this.#wording.answers))
        else if (random.chance(0.2)) talk.other(at, this.#write(this.#wording.pressing), true)
        at += random.exponential(3) * MINUTE
      }
      if (pace === 'evening') continue
      if (random.chance(pace === 'days' ? 0.6 : 0.9)) {
        day += pace === 'days' ? random.between(1, 2) : random.between(2, 7)
        at = Math.max(at, this.#sitting(day, approach.night))
      }
    }
    return talk.end(true)
  }

  #plan(): ApproachStage[] {
    const random = this.#random
    const { stages, leastStages, outOfOrder } = PARAMETERS.approach
    for (;;) {
      const plan = APPROACH_STAGES.filter((stage) => random.chance(stages[stage]))
      if (plan.length < leastStages || plan.filter((stage) => TELLING.has(stage)).length < 2) continue
      for (let i = 0; i + 1 < plan.length; i++) {
        if (!random.chance(outOfOrder)) continue
        const kept = plan[i]!
        plan[i] = plan[i + 1]!
        plan[i + 1] = kept
      }
      return plan
    }
  }

  #honest(): Conversation {
    const random = this.#random
    const { honest, minorBands } = PARAMETERS
    const scenario: HonestScenario = this.#draw(honest.scenarios)
    const minorBand: AgeBand = this.#draw(minorBands)
    const talk = this.#begin('honest', scenario, this.#bandOf(scenario, minorBand), minorBand)
    let day = random.below(30)
    for (let round = this.#between(honest.rounds); round > 0; round--) {
      let at = this.#sitting(day, honest.night)
      for (const turn of this.#wording.honest[scenario]) {
        if (random.chance(honest.left)) continue
        if (random.chance(honest.smallTalk)) {
          const text = this.#write(this.#wording.smallTalk)
          if (random.chance(0.5)) talk.other(at, text, false)
          else talk.minor(at, text)
          at += random.exponential(2) * MINUTE
        }
        for (let count = random.chance(honest.twoLines) ? 2 : 1; count > 0; count--) {
          const text = this.#write(turn.lines, honest.disguised)
          if (turn.by === 'other') talk.other(at, text, false)
          else talk.minor(at, text)
          at += random.exponential(3) * MINUTE
        }
      }
      day += random.between(1, 7)
    }
    const guardian = scenario === 'parent' && random.chance(honest.guardianKnown)
    return talk.end(false, guardian)
  }

  #bandOf(scenario: HonestScenario, minorBand: AgeBand): AgeBand {
    const random = this.#random
    switch (scenario) {
      case 'classmates':
      case 'flirting_peers':
      case 'meeting_peers':
        return minorBand
      case 'teammates':
      case 'fan_group':
        return this.#draw<AgeBand>([
          [minorBand, 0.5],
          ['AGE_16_TO_17', 0.2],
          ['ADULT', 0.15],
          ['UNKNOWN', 0.15],
        ])
      case 'older_student':
        return 'AGE_16_TO_17'
      case 'parent':
      case 'relative':
      case 'teacher':
      case 'coach':
      case 'tutor':
      case 'shop':
      case 'volunteer':
        return random.chance(0.9) ? 'ADULT' : 'UNKNOWN'
    }
  }

  #recruiting(): Conversation {
    const random = this.#random
    const { recruiting, disguised, minorBands } = PARAMETERS
    const minorBand: AgeBand = this.#draw(minorBands)
    const talk = this.#begin(
      'recruiting',
      'recruiting',
      this.#draw<AgeBand>(recruiting.actorBands),
      minorBand,
    )
    let at = this.#sitting(random.below(30), 0.3)
    const { offers, terms, moves } = this.#wording.recruiting
    const parts: Lines[] = [offers]
    if (random.chance(recruiting.terms)) parts.push(terms)
    if (random.chance(recruiting.moves)) parts.push(moves)
    if (random.chance(0.4)) talk.other(at, this.#write(this.#wording.smallTalk), false)
    for (const part of parts) {
      at += random.exponential(4) * MINUTE
      talk.other(at, this.#write(part, disguised), true)
      at += random.exponential(4) * MINUTE
      if (random.chance(recruiting.answered)) talk.minor(at, this.#write(this.#wording.answers))
    }
    return talk.end(true)
  }

  #pileOn(harmful: boolean): Conversation {
    const random = this.#random
    const { pileOn, thread, disguised, minorBands } = PARAMETERS
    const minorBand: AgeBand = this.#draw(minorBands)
    const talk = this.#begin(
      harmful ? 'pile_on' : 'thread',
      harmful ? 'pile_on' : 'thread',
      'UNKNOWN',
      minorBand,
    )
    const start = this.#sitting(random.below(30), 0.3)
    const span = this.#between(pileOn.minutes) * MINUTE
    const bands: Shares<AgeBand> = [
      ['UNKNOWN', 0.4],
      [minorBand, 0.4],
      ['ADULT', 0.2],
    ]
    const said: { at: number; who: number; band: AgeBand; text: string; telling: boolean }[] = []
    const say = (who: number, lines: Lines, telling: boolean) => {
      const at = start + random.float() * span
      said.push({
        at,
        who,
        band: this.#draw(bands),
        text: this.#write(lines, telling ? disguised : 0.03),
        telling,
      })
    }
    let who = 0
    if (harmful) {
      for (let count = this.#between(pileOn.attackers); count > 0; count--, who++)
        for (let own = this.#between(pileOn.attacks); own > 0; own--) say(who, this.#wording.attacks, true)
      for (let count = this.#between(pileOn.bystanders); count > 0; count--)
        say(who++, this.#wording.bystanders, false)
    } else {
      for (let count = this.#between(thread.commenters); count > 0; count--)
        say(who++, this.#wording.bystanders, false)
      // A quarrel: one or two who are rude, and that is all.
      if (random.chance(thread.quarrels))
        for (let count = random.between(1, 2); count > 0; count--) say(who++, this.#wording.attacks, false)
    }
    for (const { at, who: by, band, text, telling } of said.sort((a, b) => a.at - b.at))
      talk.comment(at, by, band, text, telling)
    return talk.end(harmful)
  }
}

interface TalkHead {
  readonly id: string
  readonly kind: ConversationKind
  readonly scenario: string
  readonly minorId: string
  readonly minorBand: AgeBand
  readonly otherId: string
  readonly otherBand: AgeBand
}

/** A conversation while it is written. */
class Talk {
  readonly #head: TalkHead
  readonly #messages: SimulatedMessage[] = []

  constructor(head: TalkHead) {
    this.#head = head
  }

  other(at: number, text: string, telling: boolean): void {
    const { otherId, otherBand, minorId, minorBand } = this.#head
    this.#say(at, otherId, otherBand, minorId, minorBand, 'PRIVATE_MESSAGE', text, telling)
  }

  minor(at: number, text: string): void {
    const { otherId, otherBand, minorId, minorBand } = this.#head
    this.#say(at, minorId, minorBand, otherId, otherBand, 'PRIVATE_MESSAGE', text, false)
  }

  comment(at: number, by: number, band: AgeBand, text: string, telling: boolean): void {
    const { otherId, minorId, minorBand } = this.#head
    this.#say(at, `${otherId}-${by}`, band, minorId, minorBand, 'COMMENT', text, telling)
  }

  #say(
    at: number,
    actorId: string,
    actorBand: AgeBand,
    subjectId: string,
    subjectBand: AgeBand,
    kind: EventKind,
    text: string,
    telling: boolean,
  ): void {
    const conversationId = this.#head.id
    this.#messages.push({
      at: Math.round(at),
      actorId,
      actorBand,
      subjectId,
      subjectBand,
      kind,
      conversationId,
      text,
      telling,
    })
  }

  end(harmful: boolean, guardian = false): Conversation {
    const { id, kind, scenario, minorId, minorBand, otherId } = this.#head
    return {
      id,
      kind,
      scenario,
      harmful,
      minorId,
      minorBand,
      otherId,
      guardianIds: guardian ? [otherId] : [],
      messages: this.#messages,
    }
  }
}
