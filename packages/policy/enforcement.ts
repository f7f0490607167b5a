import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  ACCOUNT_ACTION_SYMBOLS,
  type AccountAction,
  CATEGORY_SYMBOLS,
  type Category,
  EVENT_KIND_SYMBOLS,
  type EventKind,
  VERDICT_SYMBOLS,
  type Verdict,
} from '@wardline/events'
import { type Document, isMap, LineCounter, type Node, parseDocument } from 'yaml'
import { z } from 'zod'
import type { PolicyFiles } from './policy-files.ts'

/** Verdicts that a band may name, from the mildest to the most severe. */
export const BAND_VERDICTS = [
  'ALLOW',
  'ALLOW_NOT_YOUTH',
  'LIMIT_REACH',
  'HOLD_FOR_REVIEW',
  'HIDE',
  'REMOVE',
] as const satisfies readonly Verdict[]
export type BandVerdict = (typeof BAND_VERDICTS)[number]

/** Actions of the strike ladder, from the mildest to the most severe. */
export const LADDER_ACTIONS = ['WARN', 'MUTE', 'SUSPEND', 'BAN'] as const satisfies readonly AccountAction[]
export type LadderAction = (typeof LADDER_ACTIONS)[number]

/** What a risk of at least `from` leads to. */
export interface Band {
  readonly from: number
  readonly verdict: BandVerdict
  /** Severity of the strike that goes with it; 0: none. */
  readonly points: number
}

/** Youngest age of each age node of the youth mode, ascending: the age bands under 3, 3 to 7, 8 to 11, 12 to 15, 16 to 17. */
export const AGE_NODES = [0, 3, 8, 12, 16] as const

/** Verdicts that act on content by themselves, and so have a circuit breaker; held is not acted. */
export const BREAKER_VERDICTS = ['LIMIT_REACH', 'HIDE', 'REMOVE'] as const satisfies readonly Verdict[]
export type BreakerVerdict = (typeof BREAKER_VERDICTS)[number]

/** When a breaker opens: more than this on one partition, by the append times of its events. */
export interface BreakerLimits {
  readonly perHour: number
  readonly perDay: number
  /** Share of the events of the last hour, 0 to 1. */
  readonly share: number
}

export interface LadderStep {
  /** Sum of points that have not expired, from which the step is taken. */
  readonly points: number
  readonly action: LadderAction
  /** Seconds; null where the action has no end or no duration. */
  readonly seconds: number | null
}

/** A policy area: strikes count within one only. */
export interface Area {
  readonly name: string
  readonly expiryMs: number
  /** Ascending by points and by severity. */
  readonly steps: readonly LadderStep[]
  /**
   * Who comes back: each strike with at least `strikes` earlier ones in the area within `withinMs` (expired or not) counts
   * `points` more.
   */
  readonly repeat: { readonly withinMs: number; readonly strikes: number; readonly points: number }
}

export interface CategoryEnforcement {
  readonly area: Area
  /** By AGE_NODES: from this score on, what is allowed is not for that age. Never falls with age. */
  readonly youthFrom: readonly number[]
  /** By who is protected; each list descends by `from`. */
  readonly bands: {
    readonly everyone: readonly Band[]
    readonly minor: readonly Band[]
    readonly youthMode: readonly Band[]
  }
}

/** A text in both languages. */
export interface Bilingual {
  readonly en: string
  readonly zh: string
}

export interface CategoryStatement extends Bilingual {
  readonly ground: 'ILLEGAL_CONTENT' | 'INCOMPATIBLE_CONTENT'
  readonly dsaCategory: string
  readonly legalBasis: readonly string[]
  /** The same laws as a sentence. */
  readonly basis: Bilingual
  /** Campaign item where no rule names one. */
  readonly item: string | null
}

export interface Statements {
  readonly kinds: Readonly<Record<EventKind, Bilingual>>
  readonly categories: Readonly<Record<Category, CategoryStatement>>
  readonly findings: Readonly<Record<string, Bilingual>>
  readonly verdicts: Readonly<Record<Verdict, Bilingual>>
  readonly actions: Readonly<Record<AccountAction, Bilingual>>
  /** Where an order on the section, not the content, is the reason; the placeholder is {order}. */
  readonly sectionOrder: CategoryStatement
  readonly appeal: Bilingual
}

/** policy/enforcement.yaml and policy/statements.yaml, checked; times in milliseconds. */
export interface Enforcement {
  readonly version: string
  readonly areas: ReadonlyMap<string, Area>
  readonly categories: Readonly<Record<Category, CategoryEnforcement>>
  readonly minorActorMostAction: LadderAction
  readonly strikelessKinds: ReadonlySet<EventKind>
  readonly reachlessKinds: ReadonlySet<EventKind>
  readonly youthPoolKinds: ReadonlySet<EventKind>
  readonly contactSpread: {
    readonly windowMs: number
    readonly minors: number
    readonly fromScore: number
    readonly weight: number
    readonly weightPerMinor: number
    readonly mostWeight: number
    readonly category: Category
    readonly categories: ReadonlySet<Category>
    readonly item: string
  }
  readonly copySpread: {
    readonly windowMs: number
    readonly minors: number
    readonly fromScore: number
    readonly weight: number
    readonly item: string
  }
  readonly reports: {
    readonly windowMs: number
    /** Sum of the reporters' weights from which the actor counts as reported. */
    readonly reporters: number
    readonly fromRisk: number
    /** Factor on a reporter's weight for each report that a human found unfounded; a founded one takes one back. */
    readonly falseFactor: number
    readonly memoryMs: number
  }
  readonly usage: { readonly lockAfterSeconds: number; readonly lockSeconds: number }
  readonly review: {
    /** Of what is allowed, this share is looked at by a human; chosen by the seed and the decision's id. */
    readonly sampleRate: number
    readonly sampleSeed: string
    /** What becomes of a hold that a human confirms, where the hold itself does not say. */
    readonly upheldHold: { readonly verdict: 'HIDE' | 'REMOVE'; readonly points: number }
    /** What becomes of something allowed that a human finds harmful. */
    readonly overturnedAllow: 'HIDE' | 'REMOVE'
  }
  readonly circuitBreakers: {
    /** Events in the last hour from which a share says something. */
    readonly shareFromEvents: number
    /** An open breaker closes below this share of each of its limits. */
    readonly closeBelow: number
    readonly verdicts: Readonly<Record<BreakerVerdict, BreakerLimits>>
    readonly actions: Readonly<Record<LadderAction, BreakerLimits>>
    /** Every rule that has no limits of its own. */
    readonly anyRule: BreakerLimits
    readonly rules: ReadonlyMap<string, BreakerLimits>
  }
  readonly reversalMs: number
  readonly statements: Statements
}

/** Something wrong in a policy file. `line` counts from 1. */
export interface EnforcementProblem {
  readonly file: string
  readonly line: number
  readonly message: string
}

export type EnforcementLoad =
  | { readonly ok: true; readonly enforcement: Enforcement }
  | { readonly ok: false; readonly problems: readonly EnforcementProblem[] }

const DAY_MS = 86_400_000
/** Distinct minors and reporters kept an actor: a threshold above it could never be reached. */
const MOST_COUNTED = 63

const share = z.number().min(0).max(1)
const item = z.string().regex(/^[1-7]\.[1-4]$/, 'must be a campaign item such as 4.2')
const days = z.number().positive().max(3_650)
const kindList = z.array(z.enum(EVENT_KIND_SYMBOLS))
const category = z.enum(CATEGORY_SYMBOLS)
const band = z.strictObject({
  from: share,
  verdict: z.enum(BAND_VERDICTS),
  points: z.number().int().min(0).max(100),
})
const whole = z.number().int().min(0)
const limits = z.strictObject({
  perHour: whole.min(1),
  perDay: whole.min(1),
  share: share.refine((value) => value > 0, 'must be above 0'),
})
const bilingual = z.strictObject({ en: z.string(), zh: z.string() })
const sentence = z.strictObject({ en: z.string().min(1), zh: z.string().min(1) })

/** Every symbol must be there: what is not decided in the file would be decided by accident. */
const each = <Key extends string, Value extends z.ZodType>(keys: readonly Key[], value: Value) =>
  z.strictObject(Object.fromEntries(keys.map((key) => [key, value])) as Record<Key, Value>)

/** Shape of enforcement.yaml. */
export const enforcementFile = z.strictObject({
  version: z.string().min(1),
  areas: z.record(
    z.string().regex(/^[a-z_]+$/),
    z.strictObject({
      expiryDays: days,
      repeat: z.strictObject({
        withinDays: days,
        strikes: z.number().int().positive().max(10),
        points: z.number().int().min(0).max(100),
      }),
      steps: z.array(
        z.strictObject({
          points: z.number().int().positive(),
          action: z.enum(LADDER_ACTIONS),
          hours: z.number().positive().optional(),
        }),
      ),
    }),
  ),
  minorActorMostAction: z.enum(LADDER_ACTIONS),
  categories: each(
    CATEGORY_SYMBOLS,
    z.strictObject({
      area: z.string(),
      youthFrom: each(
        AGE_NODES.map((node) => String(node)),
        share,
      ),
      bands: z.strictObject({
        everyone: z.array(band),
        minor: z.array(band),
        youthMode: z.array(band).optional(),
      }),
    }),
  ),
  strikelessKinds: kindList,
  reachlessKinds: kindList,
  youthPool: z.strictObject({ kinds: kindList }),
  contactSpread: z.strictObject({
    windowDays: days,
    minors: z.number().int().positive().max(MOST_COUNTED),
    fromScore: share,
    weight: share,
    weightPerMinor: share,
    mostWeight: share,
    category,
    categories: z.array(category).min(1),
    item,
  }),
  copySpread: z.strictObject({
    windowDays: days,
    minors: z.number().int().positive().max(30),
    fromScore: share,
    weight: share,
    item,
  }),
  reports: z.strictObject({
    windowDays: days,
    reporters: z.number().int().positive().max(MOST_COUNTED),
    fromRisk: share,
    falseFactor: share,
    memoryDays: days,
  }),
  usage: z.strictObject({ lockAfterSeconds: whole, lockSeconds: whole.min(60) }),
  review: z.strictObject({
    sampleRate: share,
    sampleSeed: z.string().min(1),
    upheldHold: z.strictObject({ verdict: z.enum(['HIDE', 'REMOVE']), points: whole.max(100) }),
    overturnedAllow: z.enum(['HIDE', 'REMOVE']),
  }),
  circuitBreakers: z.strictObject({
    shareFromEvents: whole,
    closeBelow: share,
    verdicts: each(BREAKER_VERDICTS, limits),
    actions: each(LADDER_ACTIONS, limits),
    anyRule: limits,
    rules: z.record(z.string(), limits),
  }),
  reversalDays: days,
})
type EnforcementFile = z.infer<typeof enforcementFile>

/** Findings that a statement may have to explain: those of comment-risk and of enforce. */
const EXPLAINED_FINDINGS = [
  'staged_approach',
  'first_contact_by_adult',
  'persistence',
  'pile_on',
  'targeted_abuse',
  'recruiting',
  'contact_spread',
  'copy_spread',
  'user_reports',
  'later_events',
  'circuit_breaker',
  'human_review',
] as const

const categoryStatement = z.strictObject({
  ground: z.enum(['ILLEGAL_CONTENT', 'INCOMPATIBLE_CONTENT']),
  dsaCategory: z.string().regex(/^STATEMENT_CATEGORY_[A-Z_]+$/),
  legalBasis: z.array(z.string()).min(1),
  item: item.nullable(),
  en: z.string().min(1),
  zh: z.string().min(1),
})

const statementsFile = z.strictObject({
  laws: z.record(z.string(), sentence),
  basis: sentence,
  kinds: each(EVENT_KIND_SYMBOLS, sentence),
  categories: each(CATEGORY_SYMBOLS, categoryStatement),
  findings: each(EXPLAINED_FINDINGS, sentence),
  verdicts: each(VERDICT_SYMBOLS, sentence),
  actions: each(ACCOUNT_ACTION_SYMBOLS, bilingual),
  sectionOrder: categoryStatement,
  appeal: sentence,
})
type StatementsFile = z.infer<typeof statementsFile>

type Path = readonly (string | number)[]

/** One YAML file with what is wrong in it. */
class PolicyFile {
  readonly name: string
  readonly problems: EnforcementProblem[] = []
  readonly #lines = new LineCounter()
  readonly #document: Document

  constructor(name: string, text: string) {
    this.name = name
    this.#document = parseDocument(text, { lineCounter: this.#lines })
    for (const error of this.#document.errors) {
      this.problems.push({
        file: name,
        line: this.#lines.linePos(error.pos[0]).line,
        message: firstLine(error.message),
      })
    }
  }

  parse<Schema extends z.ZodType>(schema: Schema): z.infer<Schema> | undefined {
    if (this.problems.length > 0) return undefined
    const parsed = schema.safeParse(this.#document.toJS())
    if (parsed.success) return parsed.data
    for (const issue of parsed.error.issues) {
      const path = issue.path as Path
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) this.report([...path, key], `${[...path, key].join('.')}: not known`)
      } else {
        this.report(path, `${path.join('.') || 'the file'}: ${issue.message}`)
      }
    }
    return undefined
  }

  report(path: Path, message: string): void {
    this.problems.push({ file: this.name, line: this.#lineOf(path), message })
  }

  /** Line of the value at the path, else of the nearest thing around it that exists. */
  #lineOf(path: Path): number {
    for (let length = path.length; length > 0; length--) {
      const parent =
        length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, length - 1), true)
      const last = path[length - 1]
      const pair = isMap(parent)
        ? parent.items.find((each) => String((each.key as { value?: unknown })?.value) === String(last))
        : undefined
      const node = (pair?.key ?? this.#document.getIn(path.slice(0, length), true)) as Node | undefined
      if (node?.range) return this.#lines.linePos(node.range[0]).line
    }
    return 1
  }
}

const firstLine = (text: string): string => text.split('\n', 1)[0]!

/**
 * Reads `enforcement.yaml` and `statements.yaml` from a folder, or from files in memory, and checks both: their shape, and what no
 * shape can say (every area exists, bands descend, the younger are never protected less, self-harm never strikes).
 * All problems are reported at once.
 */
export function loadEnforcement(source: string | PolicyFiles): EnforcementLoad {
  const problems: EnforcementProblem[] = []
  const rules = readPolicyFile(source, 'enforcement.yaml', problems)
  const texts = readPolicyFile(source, 'statements.yaml', problems)
  const rulesData = rules?.parse(enforcementFile)
  const textsData = texts?.parse(statementsFile)
  if (rules && rulesData) checkRules(rulesData, rules)
  if (texts && textsData) checkStatements(textsData, texts)
  problems.push(...(rules?.problems ?? []), ...(texts?.problems ?? []))
  if (problems.length > 0 || !rulesData || !textsData) return { ok: false, problems }
  return { ok: true, enforcement: compile(rulesData, textsData) }
}

function readPolicyFile(
  source: string | PolicyFiles,
  name: string,
  problems: EnforcementProblem[],
): PolicyFile | undefined {
  const file = typeof source === 'string' ? join(source, name) : name
  try {
    const text = typeof source === 'string' ? readFileSync(file, 'utf8') : source.get(name)
    if (text === undefined) throw new Error('it is missing')
    return new PolicyFile(file, text)
  } catch (error) {
    problems.push({
      file,
      line: 1,
      message: `cannot be read: ${firstLine(error instanceof Error ? error.message : String(error))}`,
    })
    return undefined
  }
}

function checkRules(data: EnforcementFile, file: PolicyFile): void {
  for (const [name, { steps, expiryDays, repeat }] of Object.entries(data.areas)) {
    if (repeat.withinDays < expiryDays)
      file.report(
        ['areas', name, 'repeat', 'withinDays'],
        `${name}: repeat looks back less far than expiryDays`,
      )
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!
      const path = ['areas', name, 'steps', i]
      const before = steps[i - 1]
      if (before && step.points <= before.points) file.report(path, `${name}: steps must ascend by points`)
      if (before && LADDER_ACTIONS.indexOf(step.action) < LADDER_ACTIONS.indexOf(before.action)) {
        file.report(path, `${name}: ${step.action} after ${before.action} would make the ladder go down`)
      }
      const timed = step.action === 'MUTE' || step.action === 'SUSPEND'
      if (timed && step.hours === undefined) file.report(path, `${name}: ${step.action} needs hours`)
      if (!timed && step.hours !== undefined) file.report(path, `${name}: ${step.action} takes no hours`)
    }
  }
  for (const name of CATEGORY_SYMBOLS) {
    const { area, bands, youthFrom } = data.categories[name]
    for (const [i, node] of AGE_NODES.entries()) {
      const younger = AGE_NODES[i - 1]
      if (younger !== undefined && youthFrom[node]! < youthFrom[younger]!)
        file.report(
          ['categories', name, 'youthFrom', node],
          `${name}: youthFrom is stricter for ${node} than for ${younger}, who are younger`,
        )
    }
    if (!(area in data.areas)) file.report(['categories', name, 'area'], `${name}: there is no area ${area}`)
    for (const list of ['everyone', 'minor', 'youthMode'] as const) {
      const path = ['categories', name, 'bands', list]
      const each = bands[list] ?? []
      for (let i = 0; i < each.length; i++) {
        const here = each[i]!
        const above = each[i - 1]
        if (above && here.from >= above.from)
          file.report([...path, i], `${name}.${list}: bands must descend by from`)
        if (above && (severity(here) > severity(above) || here.points > above.points)) {
          file.report(
            [...path, i],
            `${name}.${list}: a lower risk is answered more severely than a higher one`,
          )
        }
        if (here.points > 0 && severity(here) < BAND_VERDICTS.indexOf('LIMIT_REACH')) {
          file.report([...path, i], `${name}.${list}: a strike needs an adverse verdict`)
        }
        if (name === 'self_harm' && here.points > 0)
          file.report([...path, i], 'self_harm must never strike its author')
        if (name === 'self_harm' && severity(here) > BAND_VERDICTS.indexOf('HOLD_FOR_REVIEW')) {
          file.report([...path, i], 'self_harm is answered by HOLD_FOR_REVIEW at most')
        }
      }
    }
    const minor = ['categories', name, 'bands', 'minor']
    const stricter = (weak: readonly Band[], strong: readonly Band[], path: Path) => {
      for (const { from, verdict, points } of weak) {
        const other = bandAt(strong, from)
        if (!other || severity(other) < BAND_VERDICTS.indexOf(verdict) || other.points < points) {
          file.report(
            path,
            `${name}: risk ${from} is answered less strictly for those who need more protection`,
          )
        }
      }
    }
    stricter(bands.everyone, bands.minor, minor)
    if (bands.youthMode) stricter(bands.minor, bands.youthMode, ['categories', name, 'bands', 'youthMode'])
  }
  const breakers = data.circuitBreakers
  const each = (path: Path, { perHour, perDay }: BreakerLimits) => {
    if (perDay < perHour) file.report([...path, 'perDay'], `${path.join('.')}: perDay is below perHour`)
  }
  for (const name of BREAKER_VERDICTS) each(['circuitBreakers', 'verdicts', name], breakers.verdicts[name])
  for (const name of LADDER_ACTIONS) each(['circuitBreakers', 'actions', name], breakers.actions[name])
  each(['circuitBreakers', 'anyRule'], breakers.anyRule)
  for (const [rule, limits] of Object.entries(breakers.rules))
    each(['circuitBreakers', 'rules', rule], limits)
  if (data.contactSpread.weight > data.contactSpread.mostWeight) {
    file.report(['contactSpread', 'mostWeight'], 'contactSpread: mostWeight is below weight')
  }
}

const severity = ({ verdict }: Band): number => BAND_VERDICTS.indexOf(verdict)

/** The band that a risk falls into; undefined below all of them. */
export function bandAt(bands: readonly Band[], risk: number): Band | undefined {
  for (const each of bands) if (reaches(risk, each.from)) return each
  return undefined
}

/** Whether a score reaches a threshold of the policy, as 32-bit numbers: that is what a score is after the wire, where 0.9 is a little less. */
export const reaches = (score: number, threshold: number): boolean =>
  Math.fround(score) >= Math.fround(threshold)

/** Texts with placeholders, and which. A placeholder that nobody fills would stand in a user's letter as it is. */
function checkStatements(data: StatementsFile, file: PolicyFile): void {
  const check = (path: Path, text: Bilingual, placeholders: readonly string[]) => {
    for (const language of ['en', 'zh'] as const) {
      let rest = text[language]
      for (const each of placeholders) rest = rest.replaceAll(each, '')
      if (!/[{}]/.test(rest)) continue
      const known = placeholders.length === 0 ? 'there is none' : placeholders.join(', ')
      file.report([...path, language], `${path.join('.')}.${language}: unknown placeholder; known: ${known}`)
    }
  }
  const laws = (path: Path, { legalBasis }: { readonly legalBasis: readonly string[] }) => {
    for (const law of legalBasis)
      if (!(law in data.laws)) file.report([...path, 'legalBasis'], `${path.at(-1)}: there is no law ${law}`)
  }
  for (const name of CATEGORY_SYMBOLS) {
    check(['categories', name], data.categories[name], ['{kind}'])
    laws(['categories', name], data.categories[name])
  }
  check(['sectionOrder'], data.sectionOrder, ['{kind}', '{order}'])
  laws(['sectionOrder'], data.sectionOrder)
  check(['basis'], data.basis, ['{laws}'])
  for (const name of ACCOUNT_ACTION_SYMBOLS) {
    check(['actions', name], data.actions[name], TIMED.has(name) ? ['{duration}'] : [])
  }
  for (const name of EXPLAINED_FINDINGS) check(['findings', name], data.findings[name], [])
  for (const name of VERDICT_SYMBOLS) check(['verdicts', name], data.verdicts[name], [])
  check(['appeal'], data.appeal, [])
}

/** Account actions that end by themselves. */
const TIMED: ReadonlySet<AccountAction> = new Set(['MUTE', 'SUSPEND', 'REST_LOCK'])

function compile(rules: EnforcementFile, texts: StatementsFile): Enforcement {
  const areas = new Map<string, Area>()
  for (const [name, { expiryDays, steps, repeat }] of Object.entries(rules.areas)) {
    areas.set(name, {
      name,
      expiryMs: expiryDays * DAY_MS,
      repeat: { withinMs: repeat.withinDays * DAY_MS, strikes: repeat.strikes, points: repeat.points },
      steps: steps.map(({ points, action, hours }) => ({
        points,
        action,
        seconds: hours === undefined ? null : Math.round(hours * 3_600),
      })),
    })
  }
  const byCategory = <T>(make: (name: Category) => T) =>
    Object.fromEntries(CATEGORY_SYMBOLS.map((name) => [name, make(name)])) as Record<Category, T>
  const { windowDays, categories, ...spread } = rules.contactSpread
  return {
    version: rules.version,
    areas,
    categories: byCategory((name) => {
      const { area, youthFrom, bands } = rules.categories[name]
      return {
        area: areas.get(area)!,
        youthFrom: AGE_NODES.map((node) => youthFrom[node]!),
        bands: { ...bands, youthMode: bands.youthMode ?? bands.minor },
      }
    }),
    minorActorMostAction: rules.minorActorMostAction,
    strikelessKinds: new Set(rules.strikelessKinds),
    reachlessKinds: new Set(rules.reachlessKinds),
    youthPoolKinds: new Set(rules.youthPool.kinds),
    contactSpread: { ...spread, windowMs: windowDays * DAY_MS, categories: new Set(categories) },
    copySpread: {
      windowMs: rules.copySpread.windowDays * DAY_MS,
      minors: rules.copySpread.minors,
      fromScore: rules.copySpread.fromScore,
      weight: rules.copySpread.weight,
      item: rules.copySpread.item,
    },
    reports: {
      windowMs: rules.reports.windowDays * DAY_MS,
      reporters: rules.reports.reporters,
      fromRisk: rules.reports.fromRisk,
      falseFactor: rules.reports.falseFactor,
      memoryMs: rules.reports.memoryDays * DAY_MS,
    },
    usage: rules.usage,
    review: rules.review,
    circuitBreakers: {
      ...rules.circuitBreakers,
      rules: new Map(Object.entries(rules.circuitBreakers.rules)),
    },
    reversalMs: rules.reversalDays * DAY_MS,
    statements: {
      kinds: texts.kinds,
      categories: byCategory((name) => withLaws(texts.categories[name], texts)),
      findings: texts.findings,
      verdicts: texts.verdicts,
      actions: texts.actions,
      sectionOrder: withLaws(texts.sectionOrder, texts),
      appeal: texts.appeal,
    },
  }
}

function withLaws(
  { legalBasis, ...rest }: z.infer<typeof categoryStatement>,
  { laws, basis }: StatementsFile,
): CategoryStatement {
  const named = legalBasis.map((law) => laws[law]!)
  return {
    ...rest,
    legalBasis: named.map(({ en }) => en),
    basis: {
      en: basis.en.replace('{laws}', named.map(({ en }) => en).join('; ')),
      zh: basis.zh.replace('{laws}', named.map(({ zh }, i) => withoutTitle(zh, named[i - 1]?.zh)).join('、')),
    },
  }
}

/** A law's title is given once: 《…法》第八十条、第一百二十七条. */
function withoutTitle(law: string, before: string | undefined): string {
  const title = /^《[^》]+》/.exec(law)?.[0]
  return title !== undefined && before?.startsWith(title) && law.length > title.length
    ? law.slice(title.length)
    : law
}
