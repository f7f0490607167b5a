import { userInfo } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { BacktestOptions, PolicyOptions, PublishOptions, Terminal } from './policy-actions.ts'
import { wholeNumber } from './whole-number.ts'

/** Loaded when a policy command runs: rules and text tables are slow to load, and most commands need neither. */
const actions = () => import('./policy-actions.ts')

/** `wardline policy …` */
export function addPolicyCommands(program: Command, terminal: Terminal): void {
  const policy = program
    .command('policy')
    .description('rules, lexicons, thresholds and what is done about them')
  const folder = () =>
    new Option('--folder <path>', 'folder of the policy (WARDLINE_POLICY_FOLDER, else policy/)')
  const name = () => new Option('--name <name>', 'name of the rule set (WARDLINE_RULE_SET, else default)')

  policy
    .command('check')
    .description('every problem of a policy, with file and line; exit code 1 where there is any')
    .addOption(folder())
    .action(async (options: PolicyOptions) => {
      if (!(await actions()).check(options, terminal)) process.exitCode = 1
    })

  policy
    .command('publish')
    .description(
      'have every running stage change over to a policy; publishing an older one again is the way back',
    )
    .addOption(folder())
    .addOption(name())
    .option('--version <version>', 'a version that `policy list` shows, instead of the folder')
    .option('--by <who>', 'who publishes it', userInfo().username)
    .option('--dry-run', 'only show what would change')
    .action(async (options: PublishOptions) => {
      if (!(await (await actions()).publish(options, terminal))) process.exitCode = 1
    })

  policy
    .command('withdraw')
    .description('take a published policy back: the stages run the policy of their folder again')
    .addOption(name())
    .action(async (options: PolicyOptions) => (await actions()).withdraw(options, terminal))

  policy
    .command('list')
    .description('what is published, and the versions before it that the topic still has')
    .option('--json', 'as JSON lines')
    .action(async (options: { json?: boolean }) => (await actions()).list(options, terminal))

  policy
    .command('backtest')
    .description('what a policy would have answered otherwise than another, before it is published')
    .addOption(folder())
    .addOption(name())
    .option('--against <folder>', 'the other policy: a folder, or `published`', 'published')
    .option('--jsonl <file>', 'events as JSON lines, as `wardline classify` takes them; - for standard input')
    .option('--from-topic', 'the events in events.normalized')
    .option('--events <n>', 'with --from-topic: so many of the newest', wholeNumber)
    .option('--show-text', 'show the texts of the examples')
    .option('--json', 'as JSON also in a terminal')
    .action(async (options: BacktestOptions) => {
      if ((options.jsonl === undefined) === (options.fromTopic !== true))
        throw new InvalidArgumentError('say what to run over: --jsonl FILE or --from-topic')
      await (await actions()).runBacktest(options, terminal)
    })
}
