/** What the test does with each command that a page gives in a block. A command that is not here fails the test. */

/** What a run has learnt so far. */
export interface RunContext {
  /** Standard output of the commands that ran, by command. */
  readonly outputs: ReadonlyMap<string, string>
  /** JSON lines that can be published. */
  readonly linesFile: string
  /** Where a stage answers probes, as host:port. */
  readonly stage: string
}

export type Treatment = { readonly command: string } & (
  | { readonly runs: 'as it is' }
  /** With the words in capitals filled in, or shortened, and why. */
  | { readonly runs: 'as'; readonly as: (context: RunContext) => string; readonly why: string }
  /** Another test runs it, or none can here. What it names has to exist all the same. */
  | { readonly runs: 'not'; readonly why: string }
)

const asItIs = (command: string): Treatment => ({ command, runs: 'as it is' })
const as = (
  command: string,
  why: string,
  shorter: string | ((context: RunContext) => string),
): Treatment => ({
  command,
  runs: 'as',
  as: typeof shorter === 'string' ? () => shorter : shorter,
  why,
})
const not = (command: string, why: string): Treatment => ({ command, runs: 'not', why })

function found(pattern: RegExp, command: string, { outputs }: RunContext): string {
  const match = pattern.exec(outputs.get(command) ?? '')
  if (!match) throw new Error(`${command} printed nothing like ${pattern}`)
  return match[1] ?? match[0]
}
const FILLED_IN = 'the words in capitals are the reader’s'
const decision = (context: RunContext) =>
  found(/\b[0-9a-f]{32}\b/, 'bin/wardline review next --reviewer li', context)
const letter = (context: RunContext) => found(/normalize\/\d+\/\d+/, 'bin/wardline dlq ls', context)
const KITS = 'test/kits/kits.integration.test.ts runs it'
const LOGINS =
  'needs a broker with logins: deploy/security/security.integration.test.ts holds the broker against the file'

/** In the order in which they run. */
export const TREATMENTS: readonly Treatment[] = [
  as(
    'make demo',
    'a minute at its own length; the same with fewer events',
    'make demo ARGS="--events 300 --rate 300"',
  ),
  not('make test', 'it is what runs this'),
  asItIs('make up'),
  not('export WARDLINE_BROKERS=broker-1.example.org:9092,broker-2.example.org:9092', 'a setting'),
  not('export WARDLINE_REGISTRY_URL=https://registry.example.org/apis/ccompat/v7', 'a setting'),
  not('export WARDLINE_SCHEMAS=schemas', 'a setting'),
  asItIs('bin/wardline doctor'),
  as(
    'bin/wardline topics plan --partitions 12',
    'the stack has 4',
    'bin/wardline topics plan --partitions 4',
  ),
  as(
    'bin/wardline topics apply --partitions 12',
    'the stack has 4',
    'bin/wardline topics apply --partitions 4',
  ),
  asItIs('bin/wardline topics plan'),
  asItIs('bin/wardline topics apply'),
  asItIs('bin/wardline schemas register'),
  ...['normalize', 'classify', 'comment-risk', 'enforce'].map((stage) =>
    not(
      `bin/node24 node --disable-warning=TimeoutNegativeWarning services/${stage}/main.ts`,
      'runs until it is stopped; `make up` starts it so',
    ),
  ),
  asItIs('bin/wardline feed --events 2000'),
  asItIs('bin/wardline audit --wait 30'),
  asItIs('bin/wardline audit'),
  as(
    'bin/wardline tail decisions',
    'follows until it is interrupted',
    'bin/wardline tail decisions --from-beginning --limit 5',
  ),
  as(
    'bin/wardline produce --jsonl FILE',
    FILLED_IN,
    ({ linesFile }) => `bin/wardline produce --jsonl ${linesFile} && bin/wardline audit --wait 30`,
  ),
  asItIs('bin/wardline dlq ls'),
  as(
    'bin/wardline dlq show normalize/2/17',
    'the place is another here',
    (context) => `bin/wardline dlq show ${letter(context)}`,
  ),
  as(
    'bin/wardline dlq replay normalize/2/17',
    'the place is another here',
    (context) => `bin/wardline dlq replay ${letter(context)} && bin/wardline audit --wait 30`,
  ),
  asItIs('bin/wardline dlq replay --reason invalid'),
  asItIs(`echo '{"text":"时时彩计划群，稳赚不赔","kind":"comment"}' | bin/wardline classify --jsonl`),
  not('bin/wardline acls plan', LOGINS),
  not('bin/wardline acls apply', LOGINS),
  as('bin/wardline erase ACCOUNT', FILLED_IN, 'bin/wardline erase nobody-at-all'),
  asItIs('bin/wardline policy check'),
  asItIs('bin/wardline policy publish --by "policy team"'),
  asItIs('bin/wardline policy list'),
  asItIs('bin/wardline policy backtest --from-topic'),
  as(
    'bin/wardline policy backtest --from-topic --events 100000',
    'the stack has fewer',
    'bin/wardline policy backtest --from-topic --events 100',
  ),
  as(
    'bin/wardline policy backtest --jsonl FILE --against OTHER',
    FILLED_IN,
    ({ linesFile }) => `bin/wardline policy backtest --jsonl ${linesFile} --against policy`,
  ),
  asItIs('bin/wardline policy publish'),
  as(
    'bin/wardline policy publish --version V',
    FILLED_IN,
    (context) =>
      `bin/wardline policy publish --version ${found(/\b[0-9a-f]{12}\b/, 'bin/wardline policy list', context)}`,
  ),
  asItIs('bin/wardline policy withdraw'),
  asItIs('bin/wardline section suspend game-zone --days 30 --order CAC-2026-17'),
  asItIs('bin/wardline section list'),
  asItIs('bin/wardline section lift game-zone'),
  asItIs('bin/wardline review next --reviewer li'),
  as(
    'bin/wardline review uphold DECISION --reviewer li',
    FILLED_IN,
    (context) => `bin/wardline review uphold ${decision(context)} --reviewer li`,
  ),
  as(
    'bin/wardline review overturn DECISION --reviewer li --reason no_violation',
    FILLED_IN,
    (context) => `bin/wardline review overturn ${decision(context)} --reviewer li --reason no_violation`,
  ),
  asItIs('bin/wardline dlq replay --reason processing_failed'),
  not(
    'bin/wardline dlq show comment-risk/0/4',
    'a letter of another day; the place of one here is shown above',
  ),
  as(
    'bin/wardline classify --jsonl < FILE',
    FILLED_IN,
    `echo '{"text":"a","kind":"comment"}' > .wardline/lines.jsonl; bin/wardline classify --jsonl < .wardline/lines.jsonl`,
  ),
  as('curl -s HOST:9464/readyz', FILLED_IN, ({ stage }) => `curl -s ${stage}/readyz`),
  as(
    'curl -s HOST:9464/livez; curl -s HOST:9464/readyz',
    FILLED_IN,
    ({ stage }) => `curl -s ${stage}/livez; curl -s ${stage}/readyz`,
  ),
  asItIs('make down'),
  ...['bench-stages', 'bench-risk', 'bench-classify', 'eval'].map((target) =>
    not(`make ${target}`, 'measures for minutes'),
  ),
  not('mvn -q -f kits/java/pom.xml package', KITS),
  not('java -cp "kits/java/target/classes:kits/java/target/jars/*" wardline.kit.PublishEvents', KITS),
  not('java -cp "kits/java/target/classes:kits/java/target/jars/*" wardline.kit.ReadDecisions 2', KITS),
  not('python3 -m venv .wardline/kits/python', KITS),
  not('.wardline/kits/python/bin/pip install --require-hashes -r kits/python/requirements.txt', KITS),
  not('.wardline/kits/python/bin/python kits/python/publish_events.py', KITS),
  not('.wardline/kits/python/bin/python kits/python/read_decisions.py 2', KITS),
  not('make client-package', KITS),
  not(
    'docker compose -f deploy/compose/compose.yaml up',
    'deploy/compose/compose.integration.test.ts runs it, without the images that only a registry has',
  ),
  not('export WARDLINE_BROKERS=127.0.0.1:19092', 'a setting'),
  not('export WARDLINE_REGISTRY_URL=http://127.0.0.1:18081/apis/ccompat/v7', 'a setting'),
  not(
    'docker run --rm wardline/services:local cli/main.ts --help',
    'test/containers/containers.integration.test.ts runs it',
  ),
  not(
    'docker build -f deploy/images/services/Dockerfile --build-arg BUILD_BASE=node:24-bookworm-slim@sha256:… --build-arg RUNTIME_BASE=node:24-bookworm-slim@sha256:… .',
    'wants an image registry; make images builds the same with bases of its own',
  ),
  not(
    'helm install wardline deploy/helm/wardline --values my-values.yaml',
    'wants a cluster; deploy/helm/helm.integration.test.ts renders it',
  ),
]
