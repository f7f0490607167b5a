import type {
  AccountAction,
  Category,
  EventKind,
  MediaType,
  StatementOfReasons,
  Verdict,
} from '@wardline/events'
import type { Bilingual, Enforcement } from '@wardline/policy/enforcement'

/** What a statement is made from. Nothing of it is text that a user wrote or the name of an account. */
export interface StatementInput {
  readonly category: Category
  readonly kind: EventKind
  readonly verdict: Verdict
  readonly accountAction: AccountAction
  readonly actionSeconds: number | null
  /** Rules and findings; those that the templates explain are explained. */
  readonly findings: readonly string[]
  /** Campaign item of the strongest rule; null: the category's own. */
  readonly item: string | null
  /** Order on the section; `alone`: nothing else is a reason. */
  readonly order: { readonly reference: string; readonly alone: boolean } | undefined
  readonly contentType: string[]
  /** Event time, ms. */
  readonly contentDate: number
  readonly decisionId: string
  /** When the decision is taken and applies, ms. */
  readonly decidedAt: number
  /** HUMAN: a human took the decision, or confirmed it. */
  readonly automation: 'AUTOMATED' | 'HUMAN'
  /** Users' reports are the source. */
  readonly reported: boolean
}

/** Statement of reasons by the templates of policy/statements.yaml: no personal data, no message text. */
export function statementOf(input: StatementInput, policy: Enforcement): StatementOfReasons {
  const { verdict, accountAction, order, reported } = input
  const { statements } = policy
  const reason = order?.alone ? statements.sectionOrder : statements.categories[input.category]
  const sentences: Bilingual[] = [reason]
  if (order && !order.alone) sentences.push(statements.sectionOrder)
  if (!order?.alone) {
    for (const id of input.findings) {
      const finding = statements.findings[id]
      if (finding) sentences.push(finding)
    }
  }
  sentences.push(
    statements.verdicts[verdict],
    statements.actions[accountAction],
    reason.basis,
    statements.appeal,
  )
  const kind = statements.kinds[input.kind]
  const duration = durationOf(input.actionSeconds ?? 0)
  const filled = (language: 'en' | 'zh') =>
    sentences.map((sentence) =>
      sentence[language]
        .replaceAll('{kind}', kind[language])
        .replaceAll('{duration}', duration[language])
        .replaceAll('{order}', order?.reference ?? ''),
    )
  return {
    decisionGround: reason.ground,
    decisionFacts: filled('en').filter(Boolean).join(' '),
    decisionFactsZh: filled('zh').join(''),
    legalBasis: [...reason.legalBasis],
    campaignItem: order?.alone ? reason.item : (input.item ?? reason.item),
    category: reason.dsaCategory,
    contentType: input.contentType,
    contentDate: input.contentDate,
    applicationDate: input.decidedAt,
    automatedDetection: !reported && !order?.alone,
    automatedDecision:
      input.automation === 'HUMAN'
        ? 'AUTOMATED_DECISION_NOT_AUTOMATED'
        : // What is held is decided in the end by a human.
          verdict === 'HOLD_FOR_REVIEW'
          ? 'AUTOMATED_DECISION_PARTIALLY'
          : 'AUTOMATED_DECISION_FULLY',
    sourceType: reported || order?.alone ? 'SOURCE_TYPE_OTHER_NOTIFICATION' : 'SOURCE_VOLUNTARY',
    puid: input.decisionId,
  }
}

/** Seconds as people say it: days from two on, else hours, else minutes. */
export function durationOf(seconds: number): Bilingual {
  const [size, en, zh] =
    seconds >= 172_800 && seconds % 86_400 === 0
      ? ([86_400, 'day', '天'] as const)
      : seconds >= 3_600
        ? ([3_600, 'hour', '小时'] as const)
        : ([60, 'minute', '分钟'] as const)
  const count = Math.ceil(seconds / size)
  return { en: `${count} ${en}${count === 1 ? '' : 's'}`, zh: `${count}${zh}` }
}

const CONTENT_TYPE: Readonly<Record<MediaType, string>> = {
  UNKNOWN: 'CONTENT_TYPE_OTHER',
  IMAGE: 'CONTENT_TYPE_IMAGE',
  VIDEO: 'CONTENT_TYPE_VIDEO',
  AUDIO: 'CONTENT_TYPE_AUDIO',
}

/** DSA content types; CONTENT_TYPE_OTHER where nothing is known of the content. */
export function contentTypes(textLength: number, mediaTypes: readonly MediaType[]): string[] {
  const types = textLength > 0 ? ['CONTENT_TYPE_TEXT'] : []
  for (const media of mediaTypes) if (!types.includes(CONTENT_TYPE[media])) types.push(CONTENT_TYPE[media])
  return types.length > 0 ? types : ['CONTENT_TYPE_OTHER']
}
