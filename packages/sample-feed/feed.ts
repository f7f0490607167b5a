import type { AccountProfile, Category, EventKind, FeedEvent, UserReport } from '@wardline/events'
import { type Account, dailyLimitSeconds, Population, restsAt, usedAt, watch } from './accounts.ts'
import { Attachments } from './attachments.ts'
import { type CorpusPost, readCorpus } from './corpus.ts'
import { boundary, disguise } from './disguise.ts'
import { type Pool, Writer } from './grammar.ts'
import { uuidV7 } from './identifiers.ts'
import { Random, WeightedChoice } from './random.ts'
import { Recent } from './recent.ts'
import { TOPICS, type Topic } from './texts/benign.ts'
import type { Pairing } from './texts/conversations.ts'
import type { CampaignItem } from './texts/harmful.ts'
import {
  approachPools,
  englishPool,
  groupMessagePool,
  type HarmfulPool,
  hardBenignPool,
  harmfulConversations,
  harmfulEnglishPools,
  harmfulPools,
  harmfulQueryPool,
  honestConversations,
  linkPool,
  mentionPool,
  messagePool,
  minorAnswerPool,
  minorRefusalPool,
  persistencePool,
  pileOnPool,
  postPools,
  profilePool,
  promotionPool,
  replyPool,
  searchPools,
  shortCommentPool,
  tailPool,
  topicCommentPools,
} from './texts/pools.ts'

/** What the generator meant by an event. */
export type Intent = Exclude<Category, 'unclassified'>

/** Where the text of an event comes from. */
export type TextSource = 'template' | 'coldataset' | 'swsr' | 'none'

export interface SampleItem {
  readonly event: FeedEvent
  /** A category of harm, or benign. Within a step-by-step approach every line of the adult has the approach's category, the minor's answers are benign. */
  readonly intent: Intent
  /** Campaign item that the event was made for; null where it is benign or has none. */
  readonly item: CampaignItem | null
  readonly source: TextSource
  /** Whether the text went through the disguiser. */
  readonly disguised: boolean
  /** Where this is a producer's retry: the id that the first one had. It is the same as the event's own id, for the same event goes out again. */
  readonly duplicateOf?: string
}

export interface SampleFeedOptions {
  /** Same seed and options, same feed. */
  readonly seed: number
  /** How many accounts, at least 200; 5,000 by default. */
  readonly accounts?: number
  /** Time of the first event, milliseconds since 1970-01-01 UTC. Pass a time near that of publishing: who watches in rest hours depends on it. */
  readonly startAt: number
  /** Mean rate by which `occurredAt` advances; 50 by default. Gaps follow the exponential distribution. */
  readonly meanEventsPerSecond?: number
}

/** A seeded social feed. Holds its state: `events` goes on where the last call stopped. */
export interface SampleFeed {
  /** Every account's profile. */
  profiles(): AccountProfile[]
  /** The next `count` items, in order of `occurredAt`. They are made while they are read. */
  events(count: number): Iterable<SampleItem>
  /** Reports of events already made; none before the first event. Asking for reports does not change later events. */
  reports(count: number): UserReport[]
}

export function createSampleFeed(options: SampleFeedOptions): SampleFeed {
  return new Generator(options)
}

/** Longest text, UTF-16 code units. */
export const MAX_TEXT_LENGTH = 500
const DUPLICATE_SHARE = 0.01
const DISGUISED_HARMFUL_SHARE = 0.3
const DISGUISED_BENIGN_SHARE = 0.035
/** One event in so many is the next of all kinds of harm in turn, so that rare kinds occur too. */
const TOUR_INTERVAL = 150
/** Governs how many scripts run side by side. */
const SCRIPT_PATIENCE = 150
const GROUPS = 80

/** Something that comments can answer: a post or a comment. */
interface Content {
  readonly ref: string
  readonly author: Account
  readonly topic: Topic
  readonly conversationId: string
}

/** An event of several that belong together: a conversation, a pile-on, an evening of watching. */
interface Turn {
  readonly actor: Account
  readonly kind: EventKind
  readonly pool: Pool | null
  readonly subject: Account | null
  readonly conversationId: string | null
  readonly parentId: string | null
  readonly intent: Intent
  readonly item: CampaignItem | null
  /** For USAGE. */
  readonly seconds: number
}

interface Script {
  readonly turns: readonly Turn[]
  at: number
}

const SECTIONS: Readonly<Record<EventKind, readonly (string | null)[]>> = {
  UNKNOWN: [null],
  POST: [null, null, 'recommend', 'short-video', 'campus', 'game-zone', 'anime', 'music', 'homework-help'],
  COMMENT: [null, 'comments', 'comments', 'comments', 'live', 'game-zone'],
  PRIVATE_MESSAGE: [null, 'messages'],
  GROUP_MESSAGE: [null, 'groups'],
  PROFILE_EDIT: [null, 'profile'],
  SEARCH_RESULT: [null, 'search'],
  PROMOTION: [null, 'ads', 'recommend', 'game-zone'],
  USAGE: ['short-video', 'recommend', 'live', null],
}
/** Harm in which ordinary accounts take part; the rest comes from the few accounts that live on it. */
const BY_ANYONE: ReadonlySet<Category> = new Set([
  'dangerous_acts',
  'abuse_bullying',
  'hate',
  'privacy_exposure',
])
const BY_GROOMERS: ReadonlySet<Category> = new Set(['grooming', 'sexual_enticement'])
const REPORT_CATEGORIES: readonly Category[] = ['abuse_bullying', 'fraud', 'obscene', 'illegal_ads', 'hate']

class Generator implements SampleFeed {
  readonly #random: Random
  readonly #reportRandom: Random
  readonly #writer: Writer
  readonly #attachments: Attachments
  readonly #people: Population
  readonly #groups: readonly (readonly Account[])[]
  readonly #corpora: Readonly<Record<'coldataset' | 'swsr', { benign: CorpusPost[]; harmful: CorpusPost[] }>>
  readonly #scenes: WeightedChoice<() => SampleItem>
  readonly #harmByWeight: WeightedChoice<HarmfulPool>
  readonly #honestByWeight: WeightedChoice<(typeof honestConversations)[number]>
  readonly #harmfulConversationByWeight: WeightedChoice<(typeof harmfulConversations)[number]>

  readonly #scripts: Script[] = []
  readonly #posts = new Recent<Content>(1024)
  readonly #postsOfMinors = new Recent<Content>(256)
  readonly #comments = new Recent<Content>(512)
  readonly #recent = new Recent<SampleItem>(4096)
  readonly #reportable = new Recent<SampleItem>(4096)
  readonly #reportableHarm = new Recent<SampleItem>(2048)

  readonly #meanGapMs: number
  #clock: number
  #made = 0
  #tour = 0
  #reports = 0
  /** Whether the text just written was disguised. */
  #disguised = false

  constructor({ seed, accounts = 5000, startAt, meanEventsPerSecond = 50 }: SampleFeedOptions) {
    if (!(meanEventsPerSecond > 0))
      throw new RangeError(`meanEventsPerSecond must be above 0, not ${meanEventsPerSecond}`)
    this.#random = new Random(seed)
    this.#reportRandom = new Random(seed ^ 0x72657074)
    this.#writer = new Writer(this.#random)
    this.#attachments = new Attachments(this.#random)
    this.#people = new Population(seed, accounts, startAt)
    this.#groups = this.#makeGroups()
    this.#corpora = { coldataset: divided(readCorpus('coldataset')), swsr: divided(readCorpus('swsr')) }
    this.#meanGapMs = 1000 / meanEventsPerSecond
    this.#clock = startAt
    this.#harmByWeight = weighted(harmfulPools, ({ texts }) => texts.weight)
    this.#honestByWeight = weighted(honestConversations, ({ conversation }) => conversation.weight)
    this.#harmfulConversationByWeight = weighted(
      harmfulConversations,
      ({ conversation }) => conversation.weight,
    )
    const scenes: readonly (readonly [() => SampleItem, number])[] = [
      [() => this.#benignPost(), 15],
      [() => this.#benignComment(), 27],
      [() => this.#benignReply(), 8],
      [() => this.#benignGroupMessage(), 10],
      [() => this.#benignMessage(), 5],
      [() => this.#benignUsage(), 14],
      [() => this.#benignSearch(), 4.5],
      [() => this.#benignProfile(), 1.8],
      [() => this.#benignPromotion(), 3],
      [() => this.#corpusText(), 5],
      [() => this.#honestConversation(), 3.2],
      [() => this.#harmful(this.#harmByWeight.draw(this.#random)), 6.6],
      [() => this.#harmfulEnglish(), 0.25],
      [() => this.#corpusHate(), 0.5],
      [() => this.#approach(), 0.14],
      [() => this.#contactSpread(), 0.05],
      [() => this.#harmfulConversation(), 0.13],
      [() => this.#pileOn(), 0.11],
      [() => this.#longWatching(), 0.25],
      [() => this.#restHours(), 0.15],
    ]
    this.#scenes = new WeightedChoice(
      scenes.map(([scene]) => scene),
      scenes.map(([, weight]) => weight),
    )
  }

  profiles(): AccountProfile[] {
    return this.#people.accounts.map(({ profile }) => ({ ...profile, guardianIds: [...profile.guardianIds] }))
  }

  *events(count: number): Iterable<SampleItem> {
    for (let i = 0; i < count; i++) yield this.#next()
  }

  reports(count: number): UserReport[] {
    const random = this.#reportRandom
    const reports: UserReport[] = []
    for (let i = 0; i < count; i++) {
      const item =
        (random.chance(0.85) ? this.#reportableHarm.pick(random) : undefined) ?? this.#reportable.pick(random)
      if (item === undefined) return reports
      const { event } = item
      const other = this.#people.writers.draw(random).profile.accountId
      const reporterId = event.subjectId !== null && random.chance(0.6) ? event.subjectId : other
      if (reporterId === event.actorId) {
        i--
        continue
      }
      const honest = item.intent !== 'benign' && random.chance(0.9)
      // After the newest event, so that no report precedes what it reports.
      const reportedAt = Math.floor(this.#clock) + 1 + this.#reports++
      reports.push({
        reportId: uuidV7(reportedAt, random),
        reporterId,
        reportedId: event.actorId,
        eventId: random.chance(0.1) ? null : event.eventId,
        category: honest ? item.intent : random.pick(REPORT_CATEGORIES),
        reportedAt,
      })
    }
    return reports
  }

  #next(): SampleItem {
    const random = this.#random
    if (random.chance(DUPLICATE_SHARE)) {
      const earlier = this.#recent.pick(random)
      if (earlier) return { ...earlier, duplicateOf: earlier.event.eventId }
    }
    this.#clock += random.exponential(this.#meanGapMs)
    const item = this.#fresh()
    this.#made++
    this.#recent.add(item)
    if (item.event.kind !== 'USAGE') {
      this.#reportable.add(item)
      if (item.intent !== 'benign') this.#reportableHarm.add(item)
    }
    return item
  }

  #fresh(): SampleItem {
    const random = this.#random
    if (this.#made % TOUR_INTERVAL === TOUR_INTERVAL - 1) return this.#nextOfTour()
    const running = this.#scripts.length
    if (running > 0 && random.chance(running / (running + SCRIPT_PATIENCE)))
      return this.#nextOfScript(random.below(running))
    return this.#scenes.draw(random)()
  }

  #nextOfTour(): SampleItem {
    const stop = this.#tour++ % (harmfulPools.length + 1)
    const harm = harmfulPools[stop]
    return harm ? this.#harmful(harm) : this.#overLimit()
  }

  // Harmless events

  #benignPost(): SampleItem {
    const random = this.#random
    const author = this.#people.writers.draw(random)
    const topic = random.pick(TOPICS)
    const dice = random.below(100)
    const text =
      dice < 3
        ? this.#benignText(englishPool)
        : dice < 8
          ? this.#benignText(hardBenignPool)
          : this.#writePost(topic)
    const event = this.#event('POST', author, text)
    event.media = this.#attachments.ofPost(this.#recognized)
    if (random.chance(0.03)) event.links.push(this.#link())
    if (random.chance(0.04)) event.mentions.push(this.#people.anyone.draw(random).profile.accountId)
    this.#remember(event, author, topic)
    return this.#benign(event)
  }

  #writePost(topic: Topic): string {
    const random = this.#random
    const pool = postPools.get(topic)!
    const dice = random.below(100)
    const sentences =
      dice < 45
        ? 1
        : dice < 80
          ? random.between(2, 3)
          : dice < 96
            ? random.between(4, 9)
            : random.between(12, 40)
    const separator = sentences > 3 ? '\n' : random.pick(['', ' ', '\n', '，'])
    let text = this.#benignText(pool)
    // Sentences in a row from a random place, so that none comes twice; a long post goes on to the next topics.
    let next = random.below(pool.words.length)
    let left = pool.words.length
    let rest = pool
    for (let i = 1, at = TOPICS.indexOf(topic); i < sentences && text.length < MAX_TEXT_LENGTH; i++) {
      if (left-- === 0) {
        rest = postPools.get(TOPICS[++at % TOPICS.length]!)!
        left = rest.words.length - 1
      }
      text += separator + this.#writer.writeNth(rest, next++)
    }
    return text
  }

  #benignComment(): SampleItem {
    const random = this.#random
    const post = this.#posts.pick(random)
    if (!post) return this.#benignPost()
    const dice = random.below(100)
    const pool =
      dice < 45
        ? shortCommentPool
        : dice < 91
          ? topicCommentPools.get(post.topic)!
          : dice < 96
            ? hardBenignPool
            : englishPool
    const event = this.#comment(this.#other(this.#people.writers, post.author), post, this.#benignText(pool))
    if (random.chance(0.02)) event.media = this.#attachments.ofMessage(this.#recognized)
    return this.#benign(event)
  }

  #benignReply(): SampleItem {
    const random = this.#random
    const comment = this.#comments.pick(random)
    if (!comment) return this.#benignPost()
    const text = this.#benignText(random.chance(0.7) ? replyPool : shortCommentPool)
    return this.#benign(this.#comment(this.#other(this.#people.writers, comment.author), comment, text))
  }

  #benignGroupMessage(): SampleItem {
    const random = this.#random
    const group = random.below(GROUPS)
    const actor = random.pick(this.#groups[group]!)
    const event = this.#event(
      'GROUP_MESSAGE',
      actor,
      this.#benignText(random.chance(0.96) ? groupMessagePool : hardBenignPool),
    )
    event.conversationId = groupId(group)
    if (random.chance(0.06)) event.media = this.#attachments.ofMessage(this.#recognized)
    if (random.chance(0.08)) event.mentions.push(random.pick(this.#groups[group]!).profile.accountId)
    return this.#benign(event)
  }

  #benignMessage(): SampleItem {
    const random = this.#random
    const from = this.#people.writers.draw(random)
    const to = this.#other(this.#people.writers, from)
    const event = this.#event(
      'PRIVATE_MESSAGE',
      from,
      this.#benignText(random.chance(0.95) ? messagePool : englishPool),
    )
    this.#address(event, to)
    event.conversationId = privateConversation(from, to)
    if (random.chance(0.08)) event.media = this.#attachments.ofMessage(this.#recognized)
    return this.#benign(event)
  }

  #benignUsage(): SampleItem {
    const random = this.#random
    let watcher = this.#people.anyone.draw(random)
    let seconds = random.between(20, 900)
    // In youth mode only within what is left of the day; else somebody else watches.
    for (let tries = 0; watcher.profile.youthMode; tries++) {
      const left = dailyLimitSeconds(watcher) - usedAt(watcher, this.#now)
      if (!restsAt(watcher, this.#now) && left > 60) {
        seconds = Math.min(seconds, left)
        break
      }
      watcher = tries < 4 ? this.#people.anyone.draw(random) : this.#people.adults.draw(random)
    }
    return this.#usage(watcher, seconds, this.#now - random.below(2000))
  }

  #benignSearch(): SampleItem {
    const random = this.#random
    const onChildDevice = random.chance(0.6)
    const actor = onChildDevice ? this.#people.childDevices.draw(random) : this.#people.writers.draw(random)
    const { query, result } = random.pick(searchPools)
    const searchQuery = this.#writer.write(query)
    const event = this.#event('SEARCH_RESULT', actor, this.#benignText(result))
    event.searchQuery = searchQuery
    return this.#benign(event)
  }

  #benignProfile(): SampleItem {
    const actor = this.#people.writers.draw(this.#random)
    const event = this.#event('PROFILE_EDIT', actor, this.#benignText(profilePool))
    event.contentId = `profile-${actor.profile.accountId}`
    return this.#benign(event)
  }

  #benignPromotion(): SampleItem {
    const random = this.#random
    const actor = this.#people.shops.draw(random)
    const event = this.#event('PROMOTION', actor, this.#benignText(promotionPool))
    this.#promote(event, random.between(5, 999) * 100)
    event.media = this.#attachments.ofPost(this.#recognized)
    return this.#benign(event)
  }

  #corpusText(): SampleItem {
    const random = this.#random
    const source = random.chance(0.5) ? 'coldataset' : 'swsr'
    const { text } = random.pick(this.#corpora[source].benign)
    const post = this.#posts.pick(random)
    this.#disguised = false
    if (!post || random.chance(0.25)) {
      const author = this.#people.adults.draw(random)
      const event = this.#event('POST', author, text)
      this.#remember(event, author, 'daily')
      return this.#item(event, 'benign', null, source)
    }
    return this.#item(
      this.#comment(this.#other(this.#people.adults, post.author), post, text),
      'benign',
      null,
      source,
    )
  }

  #honestConversation(): SampleItem {
    const random = this.#random
    const { conversation, pools } = this.#honestByWeight.draw(random)
    const [first, second] = this.#pair(conversation.pairing)
    const turns: Turn[] = []
    for (let i = 0; i < pools.length; i++) {
      if (i > 0 && random.chance(0.15)) continue
      const byFirst = conversation.lines[i]!.by === 'first'
      turns.push(messageTurn(byFirst ? first : second, byFirst ? second : first, pools[i]!, 'benign', null))
    }
    return this.#start(turns)
  }

  #pair(pairing: Pairing): [Account, Account] {
    const random = this.#random
    const people = this.#people
    switch (pairing) {
      case 'adult_to_minor':
        return [people.teachers.draw(random), people.minors.draw(random)]
      case 'minor_to_adult':
        return [people.minors.draw(random), people.shops.draw(random)]
      case 'minor_to_minor': {
        const first = people.minors.draw(random)
        return [first, this.#other(people.minors, first)]
      }
      case 'adult_to_adult': {
        const first = people.adults.draw(random)
        return [first, this.#other(people.adults, first)]
      }
      case 'guardian_to_minor': {
        const minor = people.guarded.draw(random)
        return [people.byId.get(random.pick(minor.profile.guardianIds))!, minor]
      }
    }
  }

  // Harmful events

  #harmful({ texts, pool }: HarmfulPool): SampleItem {
    const random = this.#random
    const { category, item, target } = texts
    const kind = random.pick(texts.kinds)
    const text = this.#harmfulText(pool)
    const disguised = this.#disguised
    const actor = this.#wrongdoer(category)
    let event: FeedEvent
    switch (kind) {
      case 'COMMENT':
        event = this.#comment(actor, this.#pageFor(actor, target === 'minor'), text)
        break
      case 'PRIVATE_MESSAGE': {
        const to = this.#other(target === 'minor' ? this.#people.minors : this.#people.writers, actor)
        event = this.#event(kind, actor, text)
        this.#address(event, to)
        event.conversationId = privateConversation(actor, to)
        break
      }
      case 'GROUP_MESSAGE': {
        const group = random.below(GROUPS)
        event = this.#event(kind, actor, text)
        event.conversationId = groupId(group)
        if (target !== 'nobody') this.#address(event, this.#memberOtherThan(group, actor, target === 'minor'))
        break
      }
      case 'SEARCH_RESULT': {
        const query = this.#writer.write(harmfulQueryPool)
        event = this.#event(kind, this.#people.childDevices.draw(random), text)
        event.searchQuery = query
        break
      }
      case 'PROMOTION':
        event = this.#event(kind, actor, text)
        this.#promote(event, random.between(1, 300) * 100)
        break
      case 'PROFILE_EDIT':
        event = this.#event(kind, actor, text)
        event.contentId = `profile-${actor.profile.accountId}`
        break
      default:
        event = this.#event(kind, actor, text)
        this.#remember(event, actor, 'daily')
    }
    if (texts.media && random.chance(mediaShare(kind))) {
      // Now and then the words stand in the picture, and the text says nothing.
      const inPicture = random.chance(0.08)
      event.media = this.#attachments.ofHarm(texts.media, inPicture || random.chance(0.1) ? text : null)
      if (inPicture) event.text = random.chance(0.5) ? '' : '看图'
    }
    if (texts.links !== undefined && random.chance(texts.links)) event.links.push(this.#link())
    this.#disguised = disguised
    return this.#item(event, category as Intent, item, 'template')
  }

  #harmfulEnglish(): SampleItem {
    const random = this.#random
    const { category, item, target, pool } = random.pick(harmfulEnglishPools)
    const text = this.#harmfulText(pool)
    const actor = this.#wrongdoer(category)
    const event = this.#comment(actor, this.#pageFor(actor, target === 'minor'), text)
    return this.#item(event, category as Intent, item, 'template')
  }

  #corpusHate(): SampleItem {
    const random = this.#random
    const source = random.chance(0.6) ? 'coldataset' : 'swsr'
    const { text } = random.pick(this.#corpora[source].harmful)
    const actor = this.#wrongdoer('hate')
    this.#disguised = false
    return this.#item(this.#comment(actor, this.#pageFor(actor, false), text), 'hate', '2.1', source)
  }

  /** A staged approach by one adult to one minor, who answers, refuses, is pressed. */
  #approach(): SampleItem {
    const random = this.#random
    const adult = this.#people.groomers.draw(random)
    const minor = this.#people.minors.draw(random)
    const turns: Turn[] = []
    const say = (pool: Pool) => turns.push(messageTurn(adult, minor, pool, 'grooming', '3.3'))
    const answer = (pool: Pool) => turns.push(messageTurn(minor, adult, pool, 'benign', null))
    const stages = random.chance(0.55) ? approachPools.length : random.between(2, approachPools.length)
    for (let stage = 0; stage < stages; stage++) {
      for (let lines = random.between(1, 2); lines > 0; lines--) {
        say(approachPools[stage]!)
        if (random.chance(0.5)) answer(minorAnswerPool)
      }
      if (stage >= 2 && random.chance(0.3)) {
        answer(minorRefusalPool)
        for (let again = random.between(1, 2); again > 0; again--) say(persistencePool)
      }
    }
    return this.#start(turns)
  }

  /** One adult who tries the same opening on many minors. */
  #contactSpread(): SampleItem {
    const random = this.#random
    const adult = this.#people.groomers.draw(random)
    const turns: Turn[] = []
    for (let minors = random.between(4, 9); minors > 0; minors--) {
      turns.push(messageTurn(adult, this.#people.minors.draw(random), approachPools[0]!, 'grooming', '3.3'))
    }
    return this.#start(turns)
  }

  #harmfulConversation(): SampleItem {
    const random = this.#random
    const { conversation, pools } = this.#harmfulConversationByWeight.draw(random)
    const adult = this.#wrongdoer(conversation.category)
    const minor = this.#other(this.#people.minors, adult)
    const turns: Turn[] = []
    for (let i = 0; i < pools.length; i++) {
      if (conversation.lines[i]!.by === 'first')
        turns.push(messageTurn(adult, minor, pools[i]!, conversation.category as Intent, conversation.item))
      else if (random.chance(0.8)) turns.push(messageTurn(minor, adult, pools[i]!, 'benign', null))
    }
    return this.#start(turns)
  }

  /** Many accounts against one, under one post. */
  #pileOn(): SampleItem {
    const random = this.#random
    const post =
      (random.chance(0.6) ? this.#postsOfMinors.pick(random) : undefined) ?? this.#posts.pick(random)
    if (!post) return this.#benignPost()
    const attackers = new Set<Account>()
    for (let draws = random.between(8, 18); draws > 0; draws--) {
      attackers.add(
        this.#other(random.chance(0.3) ? this.#people.bullies : this.#people.writers, post.author),
      )
    }
    const turns: Turn[] = []
    for (const actor of attackers) {
      turns.push({
        actor,
        kind: 'COMMENT',
        pool: pileOnPool,
        subject: post.author,
        conversationId: post.conversationId,
        parentId: post.ref,
        intent: 'abuse_bullying',
        item: '2.1',
        seconds: 0,
      })
    }
    return this.#start(turns)
  }

  /** A youth-mode account that watches on until it is over its limit. */
  #longWatching(): SampleItem {
    const random = this.#random
    const watcher = this.#watcherWithTimeLeft()
    const left = dailyLimitSeconds(watcher) - usedAt(watcher, this.#now)
    // A feed that never ends, or simply a long evening.
    const item: CampaignItem = random.chance(0.4) ? '6.2' : '6.1'
    const sessions = random.between(3, 6)
    const turns: Turn[] = []
    for (let i = 0; i <= sessions; i++) {
      const seconds = Math.max(60, Math.round((Math.max(left, 0) / sessions) * (0.9 + 0.3 * random.float())))
      turns.push({
        actor: watcher,
        kind: 'USAGE',
        pool: null,
        subject: null,
        conversationId: null,
        parentId: null,
        intent: 'benign',
        item,
        seconds,
      })
    }
    return this.#start(turns)
  }

  /** One stretch that takes a youth-mode account over its limit. */
  #overLimit(): SampleItem {
    const watcher = this.#watcherWithTimeLeft()
    const left = Math.max(0, dailyLimitSeconds(watcher) - usedAt(watcher, this.#now))
    return this.#usage(watcher, left + this.#random.between(60, 1500), this.#now)
  }

  /** Watching in rest hours; where nobody rests now, last night's stretch comes late from a client that was offline. */
  #restHours(): SampleItem {
    const random = this.#random
    let watcher = random.pick(this.#people.youth)
    for (let tries = 0; tries < 12 && !restsAt(watcher, this.#now); tries++)
      watcher = random.pick(this.#people.youth)
    let endedAt = this.#now
    while (!restsAt(watcher, endedAt)) endedAt -= 1_800_000
    return this.#usage(watcher, random.between(120, 1800), endedAt)
  }

  #watcherWithTimeLeft(): Account {
    let watcher = this.#random.pick(this.#people.youth)
    for (let tries = 0; tries < 12; tries++) {
      if (!restsAt(watcher, this.#now) && usedAt(watcher, this.#now) < dailyLimitSeconds(watcher)) break
      watcher = this.#random.pick(this.#people.youth)
    }
    return watcher
  }

  // Scripts

  #start(turns: readonly Turn[]): SampleItem {
    this.#scripts.push({ turns, at: 0 })
    return this.#nextOfScript(this.#scripts.length - 1)
  }

  #nextOfScript(index: number): SampleItem {
    const script = this.#scripts[index]!
    const turn = script.turns[script.at++]!
    if (script.at === script.turns.length) {
      const last = this.#scripts.pop()!
      if (last !== script) this.#scripts[index] = last
    }
    if (turn.kind === 'USAGE') return this.#usage(turn.actor, turn.seconds, this.#now, turn.item ?? '6.1')
    const harmful = turn.intent !== 'benign'
    const text = harmful ? this.#harmfulText(turn.pool!) : this.#benignText(turn.pool!)
    const event = this.#event(turn.kind, turn.actor, text)
    if (turn.subject) this.#address(event, turn.subject)
    event.conversationId = turn.conversationId
    event.parentId = turn.parentId
    if (text === '[图片]') event.media = this.#attachments.ofMessage(this.#recognized)
    return this.#item(event, turn.intent, turn.item, 'template')
  }

  // Texts

  readonly #recognized = (): string => this.#writer.write(shortCommentPool)

  #link(): string {
    return this.#writer.write(linkPool)
  }

  #benignText(pool: Pool): string {
    const random = this.#random
    let text = this.#writer.write(pool)
    this.#disguised = random.chance(DISGUISED_BENIGN_SHARE)
    if (this.#disguised) text = this.#disguise(text)
    else if (random.chance(0.03)) text = slip(text, random)
    return text
  }

  /** Sometimes harmless words stand before it, and particles behind. */
  #harmfulText(pool: Pool): string {
    const random = this.#random
    const writer = this.#writer
    if (random.chance(0.08)) {
      writer.write(random.chance(0.5) ? mentionPool : shortCommentPool)
      writer.text += ' '
      writer.append(pool)
    } else {
      writer.write(pool)
    }
    if (random.chance(0.4)) writer.append(tailPool)
    this.#disguised = random.chance(DISGUISED_HARMFUL_SHARE)
    return this.#disguised ? this.#disguise(writer.text) : writer.text
  }

  #disguise(text: string): string {
    const result = disguise(text, this.#writer.cores, this.#random)
    this.#disguised = result !== text
    return result
  }

  // Events

  get #now(): number {
    return Math.floor(this.#clock)
  }

  #event(kind: EventKind, actor: Account, text: string): FeedEvent {
    const random = this.#random
    const { profile } = actor
    const eventId = uuidV7(this.#now, random)
    return {
      eventId,
      kind,
      occurredAt: this.#now,
      actorId: profile.accountId,
      actorAgeBand: random.chance(0.04) ? 'UNKNOWN' : profile.ageBand,
      subjectId: null,
      contentId:
        kind !== 'USAGE' && random.chance(0.5) ? `c-${eventId.slice(0, 8)}${eventId.slice(24)}` : null,
      parentId: null,
      conversationId: null,
      section: random.pick(SECTIONS[kind]),
      text: text.length > MAX_TEXT_LENGTH ? text.slice(0, boundaryBefore(text, MAX_TEXT_LENGTH)) : text,
      language: random.chance(0.3) ? null : languageOf(text),
      media: [],
      links: [],
      mentions: [],
      searchQuery: null,
      device: actor.device,
      usage: null,
      promotion: null,
      subjectAgeBand: 'UNKNOWN',
    }
  }

  #address(event: FeedEvent, to: Account): void {
    event.subjectId = to.profile.accountId
    event.subjectAgeBand = to.profile.ageBand
  }

  #comment(actor: Account, on: Content, text: string): FeedEvent {
    const event = this.#event('COMMENT', actor, text)
    this.#address(event, on.author)
    event.parentId = on.ref
    event.conversationId = on.conversationId
    this.#comments.add({
      ref: event.contentId ?? event.eventId,
      author: actor,
      topic: on.topic,
      conversationId: on.conversationId,
    })
    return event
  }

  /** Keeps a post so that comments can answer it. */
  #remember(event: FeedEvent, author: Account, topic: Topic): void {
    const ref = event.contentId ?? event.eventId
    const post: Content = { ref, author, topic, conversationId: `t-${ref}` }
    this.#posts.add(post)
    if (author.isMinor) this.#postsOfMinors.add(post)
  }

  #promote(event: FeedEvent, priceFen: number): void {
    const random = this.#random
    event.promotion = {
      advertiserId: random.chance(0.7) ? event.actorId : this.#people.shops.draw(random).profile.accountId,
      landingUrl: random.chance(0.9) ? this.#link() : null,
      priceFen: random.chance(0.8) ? priceFen : null,
    }
  }

  /** What the watch time means follows from the account's limits and rest hours. */
  #usage(watcher: Account, seconds: number, endedAt: number, item: CampaignItem = '6.1'): SampleItem {
    const event = this.#event('USAGE', watcher, '')
    event.usage = { sessionSeconds: Math.round(seconds), endedAt }
    const harmful = watch(watcher, event.usage.sessionSeconds, endedAt)
    this.#disguised = false
    return this.#item(event, harmful ? 'addiction' : 'benign', harmful ? item : null, 'none')
  }

  #benign(event: FeedEvent): SampleItem {
    return this.#item(event, 'benign', null, 'template')
  }

  #item(event: FeedEvent, intent: Intent, item: CampaignItem | null, source: TextSource): SampleItem {
    return { event, intent, item, source, disguised: this.#disguised }
  }

  // Accounts

  #other(group: WeightedChoice<Account>, than: Account): Account {
    let other = group.draw(this.#random)
    while (other === than) other = group.draw(this.#random)
    return other
  }

  #wrongdoer(category: Category): Account {
    const random = this.#random
    const people = this.#people
    if (BY_GROOMERS.has(category)) return people.groomers.draw(random)
    if (category === 'self_harm') return people.writers.draw(random)
    if (BY_ANYONE.has(category))
      return random.chance(0.5) ? people.writers.draw(random) : people.bullies.draw(random)
    return random.chance(0.85) ? people.spammers.draw(random) : people.adults.draw(random)
  }

  /** A recent post of somebody else to comment on; the wall of an account where there is none. */
  #pageFor(actor: Account, ofMinor: boolean): Content {
    const posts = ofMinor ? this.#postsOfMinors : this.#posts
    for (let tries = 0; tries < 4; tries++) {
      const post = posts.pick(this.#random)
      if (post && post.author !== actor) return post
    }
    const owner = this.#other(ofMinor ? this.#people.minors : this.#people.writers, actor)
    const ref = `wall-${owner.profile.accountId}`
    return { ref, author: owner, topic: 'daily', conversationId: `t-${ref}` }
  }

  #memberOtherThan(group: number, actor: Account, minor: boolean): Account {
    const members = this.#groups[group]!
    for (let tries = 0; tries < 12; tries++) {
      const member = this.#random.pick(members)
      if (member !== actor && (member.isMinor || !minor)) return member
    }
    return this.#other(minor ? this.#people.minors : this.#people.writers, actor)
  }

  /** School classes (a teacher, pupils, guardians) and groups of anyone. */
  #makeGroups(): Account[][] {
    const random = this.#random
    const people = this.#people
    return Array.from({ length: GROUPS }, (_, group) => {
      const size = random.between(8, 45)
      const ofClass = group % 3 === 0
      const members = new Set<Account>()
      if (ofClass) members.add(people.teachers.draw(random))
      for (let tries = 0; members.size < size && tries < 4 * size; tries++) {
        members.add(
          ofClass
            ? random.chance(0.8)
              ? people.minors.draw(random)
              : people.adults.draw(random)
            : people.writers.draw(random),
        )
      }
      return [...members]
    })
  }
}

function weighted<T>(values: readonly T[], weight: (value: T) => number): WeightedChoice<T> {
  return new WeightedChoice(values, values.map(weight))
}

function divided(posts: CorpusPost[]): { benign: CorpusPost[]; harmful: CorpusPost[] } {
  return {
    benign: posts.filter(({ category }) => category === 'benign'),
    harmful: posts.filter(({ category }) => category !== 'benign'),
  }
}

function messageTurn(
  actor: Account,
  subject: Account,
  pool: Pool,
  intent: Intent,
  item: CampaignItem | null,
): Turn {
  return {
    actor,
    kind: 'PRIVATE_MESSAGE',
    pool,
    subject,
    conversationId: privateConversation(actor, subject),
    parentId: null,
    intent,
    item,
    seconds: 0,
  }
}

/** The same for both directions of a pair. */
function privateConversation(a: Account, b: Account): string {
  const [x, y] = [a.profile.accountId, b.profile.accountId]
  return x < y ? `dm-${x}-${y}` : `dm-${y}-${x}`
}

const groupId = (group: number) => `g-${String(group).padStart(3, '0')}`

/** How often a harmful event of this kind carries media, where its texts name hints. */
function mediaShare(kind: EventKind): number {
  switch (kind) {
    case 'POST':
      return 0.9
    case 'PROMOTION':
    case 'PROFILE_EDIT':
      return 0.7
    case 'PRIVATE_MESSAGE':
    case 'GROUP_MESSAGE':
      return 0.3
    default:
      return 0.08
  }
}

/** The offset, moved back by one where it would cut a surrogate pair in two. */
function boundaryBefore(text: string, offset: number): number {
  return boundary(text, offset) === offset ? offset : offset - 1
}

/** What fingers do: a doubled character, two that change places, a mark left out. */
function slip(text: string, random: Random): string {
  if (text.length < 4) return text
  const at = random.below(text.length - 2)
  const [a, b] = [text.charCodeAt(at), text.charCodeAt(at + 1)]
  // Halves of an emoji stay together.
  if ((a & 0xf800) === 0xd800 || (b & 0xf800) === 0xd800) return text
  switch (random.below(3)) {
    case 0:
      return text.slice(0, at + 1) + text.slice(at)
    case 1:
      return text.slice(0, at) + text[at + 1]! + text[at]! + text.slice(at + 2)
    default:
      return text.replace(/[，。！？]/, '')
  }
}

/** `zh` where there is a Chinese character, `en` where there are only Latin letters, null where there is neither. */
function languageOf(text: string): string | null {
  let latin = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x4e00 && code <= 0x9fff) return 'zh'
    latin ||= code >= 0x61 && code <= 0x7a
  }
  return latin ? 'en' : null
}
