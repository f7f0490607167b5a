/**
 * An enforcement system: does what each decision says, and undoes it where it is taken back. Prints instead of acting.
 *
 *   WARDLINE_BROKERS=… WARDLINE_REGISTRY_URL=… node act-on-decisions.ts
 */
import { clientSettings, DecisionSubscriber, verdictInForce } from '@wardline/client'

const print = (line: object) => console.log(JSON.stringify(line))

const subscriber = await DecisionSubscriber.start(
  clientSettings('example-enforcement'),
  { groupId: 'enforcement.example', fromBeginning: true },
  {
    // In a database of your own: insert decisionId under a unique key in the transaction that does the work, and do
    // nothing where it is there already. That makes of at-least-once exactly once.
    decision: (decision) => {
      const { decisionId, eventId, contentId, actorId, accountAction, actionSeconds } = decision
      print({
        do: verdictInForce(decision),
        contentId,
        actorId,
        accountAction,
        actionSeconds,
        eventId,
        decisionId,
      })
    },
    // Replaces what stood for the event; never softer than it.
    followUp: (decision) => {
      const { decisionId, eventId, contentId } = decision
      print({ now: verdictInForce(decision), contentId, eventId, decisionId })
    },
    // The content goes back to `verdict`, the account is freed of `liftedAction`.
    reversal: (decision) => {
      const { reverses, liftedAction, contentId, eventId } = decision
      print({ undo: reverses, now: verdictInForce(decision), liftedAction, contentId, eventId })
    },
    unreadable: ({ partition, offset, reason }) => print({ keepForAHuman: `${partition}/${offset}`, reason }),
    retrying: (error, { partition, offset }, waitMs) =>
      console.error(`${partition}/${offset} failed and is tried again in ${waitMs} ms: ${error}`),
  },
)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void subscriber.stop())
