import type { FeedEvent } from '@wardline/events'
import { giveVerdict, nextItem, type ReviewItem, readFed } from '@wardline/review'
import { type Command, InvalidArgumentError } from 'commander'
import { connect } from './connection.ts'

/** The item as a page of lines. */
export function reviewLines({ decision, reason, since }: ReviewItem, event: FeedEvent | undefined): string[] {
  const row = (name: string, value: string) => `${name.padEnd(12)} ${value}`
  const lines = [
    row('decision', decision.decisionId),
    row('why', [reason, ...decision.review.filter((code) => code.startsWith('breaker/'))].join(', ')),
    row('since', new Date(since).toISOString()),
    row('what', `${decision.kind} in ${decision.section}, ${new Date(decision.occurredAt).toISOString()}`),
    row(
      'verdict',
      decision.heldVerdict ? `${decision.verdict} (would be ${decision.heldVerdict})` : decision.verdict,
    ),
    row('account', decision.accountAction),
    row('category', `${decision.category} ${decision.risk.toFixed(2)}`),
    row('rests on', decision.ruleIds.join(', ') || 'nothing'),
  ]
  if (decision.statement) lines.push(row('reasons', decision.statement.decisionFactsZh))
  lines.push(row('text', event ? event.text || '(none)' : '(feed.events has it no more)'))
  if (event && event.media.length > 0)
    lines.push(row('media', event.media.map(({ type, mediaId }) => `${type} ${mediaId}`).join(', ')))
  return lines
}

const reasonCode = (text: string): string => {
  if (!/^[a-z][a-z_]{0,39}$/.test(text))
    throw new InvalidArgumentError(
      'is a code of small letters and underscores, such as no_violation: never a text',
    )
  return text
}

export function addReviewCommands(program: Command): void {
  const print = (line: string) => void process.stdout.write(`${line}\n`)
  const review = program.command('review').description('human inspection of decisions')
  review
    .command('next')
    .description('the next item that waits for a human; it is yours for a quarter of an hour')
    .requiredOption('--reviewer <name>', 'who inspects', process.env.WARDLINE_REVIEWER)
    .option('--json', 'as JSON')
    .action(async ({ reviewer, json }: { reviewer: string; json?: boolean }) => {
      const connection = connect()
      const item = await nextItem(connection, reviewer)
      if (!item) return print(json ? 'null' : 'nothing waits')
      const event = await readFed(connection, item.decision)
      if (json) return print(JSON.stringify({ ...item, event: event ?? null }))
      for (const line of reviewLines(item, event)) print(line)
      print('')
      print(`bin/wardline review uphold ${item.decision.decisionId} --reviewer ${reviewer}`)
      print(`bin/wardline review overturn ${item.decision.decisionId} --reviewer ${reviewer}`)
    })
  for (const [name, outcome, description] of [
    ['uphold', 'UPHELD', 'the decision is right; what was held is acted upon'],
    [
      'overturn',
      'OVERTURNED',
      'the decision is wrong; it is taken back with its strikes and what they led to',
    ],
  ] as const) {
    review
      .command(name)
      .description(description)
      .argument('<decision>', 'decision id')
      .requiredOption('--reviewer <name>', 'who inspected', process.env.WARDLINE_REVIEWER)
      .option('--reason <code>', 'short code, such as no_violation', reasonCode)
      .action(async (decisionId: string, { reviewer, reason }: { reviewer: string; reason?: string }) => {
        const given = await giveVerdict(connect(), decisionId, outcome, {
          reviewerId: reviewer,
          reason: reason ?? null,
        })
        print(`${given.verdict.verdictId}  ${outcome}`)
        if (given.answer)
          print(
            `${given.answer.decisionId}  ${given.answer.type} ${given.answer.verdict}, account: ${given.answer.accountAction}${given.answer.liftedAction === 'NONE' ? '' : `, lifted: ${given.answer.liftedAction}`}`,
          )
        else if (outcome === 'OVERTURNED')
          print('enforce has not answered yet: `wardline tail decisions` shows the reversal when it comes')
      })
  }
}
