import type { AssessedEvent, Category, Verdict } from '@wardline/events'
import { bandAt, type Enforcement, reaches } from '@wardline/policy/enforcement'
import { contactEvidence, raisedBySpread } from './contact-spread.ts'
import { audienceOf, unfitCategories } from './youth-pool.ts'

/** What is known of the actor when its event is judged. */
export interface ActorStanding {
  /** Distinct minors approached within the window, this event's included. */
  readonly minors: number
  /** Most distinct minors who got one text or contact handle of the event from the actor within the window. */
  readonly copies: number
  /** Sum of the weights of those who reported the actor within the window. */
  readonly reporters: number
}

export interface Judgement {
  readonly verdict: Verdict
  readonly category: Category
  readonly risk: number
  /** Severity of the strike; 0: none. */
  readonly points: number
  /** The number of minors approached raised the risk. */
  readonly bySpread: boolean
  /** That one text or handle went to many minors raised the risk. */
  readonly byCopies: boolean
  /** Without the reports the event would have been allowed. */
  readonly byReports: boolean
}

/** The verdict on the content, from the risk, who is protected and what is known of the actor. */
export function judge(event: AssessedEvent, standing: ActorStanding, policy: Enforcement): Judgement {
  let { riskCategory: category, risk } = event
  if (event.kind === 'USAGE') {
    // Watching is nobody's content: what it leads to is an action for the account.
    return { verdict: 'ALLOW', category, risk, points: 0, bySpread: false, byCopies: false, byReports: false }
  }

  let bySpread = false
  let byCopies = false
  const { contactSpread, copySpread, reports } = policy
  if (standing.minors > contactSpread.minors || standing.copies > copySpread.minors) {
    const evidence = contactEvidence(event, contactSpread)
    const spread = raisedBySpread(evidence, standing.minors, contactSpread)
    const copied = standing.copies > copySpread.minors && evidence >= copySpread.fromScore
    const raised = copied ? 1 - (1 - spread) * (1 - copySpread.weight) : spread
    const answered = contactSpread.categories.has(category) ? category : contactSpread.category
    if (raised > evidence && raised > risk) {
      category = answered
      risk = raised
      bySpread = spread > evidence
      byCopies = copied
    }
  }

  const { bands } = policy.categories[category]
  const list = event.youthMode ? bands.youthMode : event.protectedIsMinor ? bands.minor : bands.everyone
  const band = bandAt(list, risk)
  let verdict: Verdict = band?.verdict ?? 'ALLOW'
  if (verdict === 'LIMIT_REACH' && policy.reachlessKinds.has(event.kind)) verdict = 'HOLD_FOR_REVIEW'
  const strikes = category !== 'self_harm' && !policy.strikelessKinds.has(event.kind)
  const points = strikes ? (band?.points ?? 0) : 0

  if (isAllowed(verdict)) {
    if (standing.reporters >= reports.reporters && reaches(risk, reports.fromRisk)) {
      return {
        verdict: 'HOLD_FOR_REVIEW',
        category: category === 'benign' ? highestCategory(event) : category,
        risk,
        points: 0,
        bySpread,
        byCopies,
        byReports: true,
      }
    }
    if (
      verdict === 'ALLOW' &&
      unfitCategories(event, category, risk, audienceOf(event), policy) !== undefined
    )
      verdict = 'ALLOW_NOT_YOUTH'
  }
  return { verdict, category, risk, points, bySpread, byCopies, byReports: false }
}

export const isAllowed = (verdict: Verdict): boolean => verdict === 'ALLOW' || verdict === 'ALLOW_NOT_YOUTH'

/** The category that the event comes nearest to. */
function highestCategory(event: AssessedEvent): Category {
  let highest = 0
  let nearest: Category = event.riskCategory
  for (const { category, score } of event.scores) {
    if (score > highest) {
      highest = score
      nearest = category
    }
  }
  return nearest
}
