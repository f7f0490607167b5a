import type { AgeBand, AssessedEvent, Category, Verdict, YouthPool } from '@wardline/events'
import { AGE_NODES, type Enforcement, reaches } from '@wardline/policy/enforcement'

/** Position of a minor's band in AGE_NODES. */
const NODE_OF_BAND: Readonly<Partial<Record<AgeBand, number>>> = {
  UNDER_3: 0,
  AGE_3_TO_7: 1,
  AGE_8_TO_11: 2,
  AGE_12_TO_15: 3,
  AGE_16_TO_17: 4,
}
const OLDEST = AGE_NODES.length - 1

/** Age node of those who would see it: the minor's who is addressed, else the oldest of youth mode. */
export const audienceOf = (event: AssessedEvent): number =>
  event.protectedIsMinor ? (NODE_OF_BAND[event.protectedAgeBand] ?? OLDEST) : OLDEST

/** Categories whose score makes the event unfit for an age node; undefined where there are none. */
export function unfitCategories(
  event: AssessedEvent,
  category: Category,
  risk: number,
  node: number,
  policy: Enforcement,
): Category[] | undefined {
  let unfit: Category[] | undefined
  if (reaches(risk, policy.categories[category].youthFrom[node]!)) unfit = [category]
  for (const each of event.scores) {
    if (!reaches(each.score, policy.categories[each.category].youthFrom[node]!) || each.category === category)
      continue
    if (unfit) unfit.push(each.category)
    else unfit = [each.category]
  }
  return unfit
}

/** Youngest age that nothing in the scores makes the event unfit for; null where there is none. */
function youngestAge(
  event: AssessedEvent,
  category: Category,
  risk: number,
  policy: Enforcement,
): number | null {
  let node = 0
  const raise = (score: number, from: readonly number[]) => {
    while (node <= OLDEST && reaches(score, from[node]!)) node++
  }
  raise(risk, policy.categories[category].youthFrom)
  for (const each of event.scores) raise(each.score, policy.categories[each.category].youthFrom)
  return AGE_NODES[node] ?? null
}

/** Shared by nearly all decisions: nobody changes an output. */
const FOR_ALL: YouthPool = { eligible: true, reasons: [], fromAge: 0 }

/**
 * Whether the content may be shown in youth mode, and from which age on. Reasons: `promotion` and `kind` (never in the
 * pool), `category:<name>` (its score, for the age of who is addressed), `risk` (the risk as a whole, where no category
 * stands for it), `verdict`.
 */
export function youthPool(
  event: AssessedEvent,
  {
    verdict,
    category,
    risk,
  }: { readonly verdict: Verdict; readonly category: Category; readonly risk: number },
  policy: Enforcement,
): YouthPool {
  let reasons: string[] | undefined
  if (!policy.youthPoolKinds.has(event.kind)) reasons = [event.kind === 'PROMOTION' ? 'promotion' : 'kind']
  if (event.kind !== 'USAGE') {
    const unfit = unfitCategories(event, category, risk, audienceOf(event), policy)
    if (unfit) {
      reasons ??= []
      for (const each of unfit) reasons.push(each === 'benign' ? 'risk' : `category:${each}`)
    }
  }
  if (verdict !== 'ALLOW') {
    reasons ??= []
    reasons.push('verdict')
  }
  if (reasons) return { eligible: false, reasons, fromAge: null }
  const fromAge = youngestAge(event, category, risk, policy)
  return fromAge === 0 ? FOR_ALL : { eligible: true, reasons: [], fromAge }
}
