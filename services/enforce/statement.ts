import type { AccountAction, AssessedEvent, MediaType, StatementOfReasons } from '@wardline/events'
import type { Bilingual, Enforcement } from '@wardline/policy/enforcement'
import type { Judgement } from './verdict.ts'

export interface StatementInput {
  readonly event: AssessedEvent
  readonly judgement: Judgement
  readonly accountAction: AccountAction
  readonly ruleIds: readonly string[]
  /** Campaign item of the strongest rule; null: the category's own. */
  readonly item: string | null
  readonly decisionId: string
  /** When the decision is taken and applies, ms. */
  readonly decidedAt: number
}

/** Statement of reasons by the templates of policy/statements.yaml: no personal data, no message text. */
export function statementOf(input: StatementInput, policy: Enforcement): StatementOfReasons {
  const { event, judgement, accountAction, ruleIds, item, decisionId, decidedAt } = input
  const { statements } = policy
  const category = statements.categories[judgement.category]
  const kind = statements.kinds[event.kind]
  const sentences: Bilingual[] = [
    { en: category.en.replaceAll('{kind}', kind.en), zh: category.zh.replaceAll('{kind}', kind.zh) },
  ]
  for (const id of ruleIds) {
    const finding = statements.findings[id]
    if (finding) sentences.push(finding)
  }
  sentences.push(statements.verdicts[judgement.verdict], statements.actions[accountAction], statements.appeal)
  return {
    decisionGround: category.ground,
    decisionFacts: sentences
      .map(({ en }) => en)
      .filter(Boolean)
      .join(' '),
    decisionFactsZh: sentences.map(({ zh }) => zh).join(''),
    legalBasis: [...category.legalBasis],
    campaignItem: item ?? category.item,
    category: category.dsaCategory,
    contentType: contentTypes(event),
    contentDate: event.occurredAt,
    applicationDate: decidedAt,
    automatedDetection: !judgement.byReports,
    // What is held is decided in the end by a human.
    automatedDecision:
      judgement.verdict === 'HOLD_FOR_REVIEW' ? 'AUTOMATED_DECISION_PARTIALLY' : 'AUTOMATED_DECISION_FULLY',
    sourceType: judgement.byReports ? 'SOURCE_TYPE_OTHER_NOTIFICATION' : 'SOURCE_VOLUNTARY',
    puid: decisionId,
  }
}

const CONTENT_TYPE: Readonly<Record<MediaType, string>> = {
  UNKNOWN: 'CONTENT_TYPE_OTHER',
  IMAGE: 'CONTENT_TYPE_IMAGE',
  VIDEO: 'CONTENT_TYPE_VIDEO',
  AUDIO: 'CONTENT_TYPE_AUDIO',
}

function contentTypes({ textLength, mediaTypes }: AssessedEvent): string[] {
  const types = textLength > 0 ? ['CONTENT_TYPE_TEXT'] : []
  for (const media of mediaTypes) if (!types.includes(CONTENT_TYPE[media])) types.push(CONTENT_TYPE[media])
  return types.length > 0 ? types : ['CONTENT_TYPE_OTHER']
}
