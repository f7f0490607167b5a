import { readFileSync, writeFileSync } from 'node:fs'
import {
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  StackingConfigBuilder,
  StackingMode,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as HeatmapBuilder } from '@grafana/grafana-foundation-sdk/heatmap'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'

// The dashboards as code: `make dashboards` writes deploy/grafana/dashboards/*.json, a test holds the files to this and runs
// every query against a running chain. Grafana's own builder knows the format of the files, and is typed.

/** Chosen at the top of each dashboard, so that they can be imported anywhere. */
const DATASOURCE = { type: 'prometheus', uid: '$datasource' }
/** Of the age at enforce, seconds; the share of late events that is allowed. */
const OBJECTIVE = 0.5
const ALLOWED_LATE = 0.01

type Query = readonly [expr: string, legend: string]
interface Look {
  readonly unit?: string
  /** Of 24 columns. */
  readonly span?: number
  readonly says?: string
  /** Red from here on, with a line in charts. */
  readonly limit?: number
  readonly isStacked?: boolean
  readonly exemplars?: boolean
}

const target = ([expr, legend]: Query, i: number) =>
  new DataqueryBuilder()
    .refId(String.fromCharCode('A'.charCodeAt(0) + i))
    .datasource(DATASOURCE)
    .expr(expr)
    .legendFormat(legend)

function limits(limit: number | undefined) {
  const steps: Threshold[] = [{ value: null, color: 'green' }]
  if (limit !== undefined) steps.push({ value: limit, color: 'red' })
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps)
}

function chart(title: string, queries: readonly Query[], look: Look = {}) {
  const panel = new TimeseriesBuilder()
    .title(title)
    .datasource(DATASOURCE)
    .unit(look.unit ?? 'short')
    .span(look.span ?? 12)
    .height(8)
    .min(0)
    .lineWidth(1)
    .fillOpacity(look.isStacked ? 40 : 5)
    .thresholds(limits(look.limit))
  if (look.says) panel.description(look.says)
  if (look.isStacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal))
  if (look.limit !== undefined)
    panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed))
  for (const [i, query] of queries.entries())
    panel.withTarget(look.exemplars ? target(query, i).exemplar(true) : target(query, i))
  return panel
}

function stat(title: string, expr: string, look: Look = {}) {
  const panel = new StatBuilder()
    .title(title)
    .datasource(DATASOURCE)
    .unit(look.unit ?? 'short')
    .span(look.span ?? 3)
    .height(4)
    .thresholds(limits(look.limit))
    .withTarget(target([expr, title], 0))
  return look.says ? panel.description(look.says) : panel
}

/** One row a label set, one column a query. */
function table(title: string, queries: readonly Query[], look: Look = {}) {
  const panel = new TableBuilder()
    .title(title)
    .datasource(DATASOURCE)
    .unit(look.unit ?? 'short')
    .span(look.span ?? 24)
    .height(9)
    .transformations([
      { id: 'merge', options: {} },
      {
        id: 'organize',
        options: {
          excludeByName: { Time: true },
          renameByName: Object.fromEntries(
            queries.map(([, name], i) => [
              queries.length === 1 ? 'Value' : `Value #${String.fromCharCode(65 + i)}`,
              name,
            ]),
          ),
        },
      },
    ])
  if (look.says) panel.description(look.says)
  for (const [i, query] of queries.entries())
    panel.withTarget(target(query, i).instant().format(PromQueryFormat.Table))
  return panel
}

/** How many values fell into each bucket, over time. */
function heatmap(title: string, expr: string, look: Look = {}) {
  const panel = new HeatmapBuilder()
    .title(title)
    .datasource(DATASOURCE)
    .unit(look.unit ?? 's')
    .span(look.span ?? 12)
    .height(8)
    .withTarget(target([expr, '{{le}}'], 0).format(PromQueryFormat.Heatmap))
  return look.says ? panel.description(look.says) : panel
}

const row = (title: string) => new RowBuilder(title)

function dashboard(uid: string, title: string, says: string) {
  return new DashboardBuilder(title)
    .uid(uid)
    .description(says)
    .tags(['wardline'])
    .timezone('browser')
    .time({ from: 'now-1h', to: 'now' })
    .refresh('10s')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder('Wardline')
        .type(DashboardLinkType.Dashboards)
        .tags(['wardline'])
        .keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
}

const labelVariable = (name: string, query: string) =>
  new QueryVariableBuilder(name)
    .datasource(DATASOURCE)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)

const quantile = (q: number, metric: string, labels: string, by: string) =>
  `histogram_quantile(${q}, sum by (${by}) (rate(${metric}_bucket{${labels}}[$__rate_interval])))`
const AGE = 'wardline_event_age_seconds'
const WORK = 'wardline_stage_seconds'

const feedOverview = dashboard(
  'wardline-feed',
  'Wardline: feed overview',
  'What comes in, what is answered, how late, and what does not work.',
)
  .withPanel(stat('Events in', 'sum(wardline:events:rate1m{stage="normalize"})', { unit: 'reqps' }))
  .withPanel(
    stat('Decisions', 'sum(rate(wardline_decisions_total{mode="live"}[$__rate_interval]))', {
      unit: 'reqps',
    }),
  )
  .withPanel(
    stat('p99, end to end', quantile(0.99, AGE, 'stage="enforce"', 'le'), {
      unit: 's',
      limit: OBJECTIVE,
      says: 'From the append to feed.events to the commit of the decision; right to a fifth of its value.',
    }),
  )
  .withPanel(
    stat(
      'Late, five minutes',
      `1 - sum(rate(${AGE}_bucket{stage="enforce", le="${OBJECTIVE}"}[5m])) / sum(rate(${AGE}_count{stage="enforce"}[5m]))`,
      {
        unit: 'percentunit',
        limit: ALLOWED_LATE,
        says: 'Share of events answered later than 500 ms; exact.',
      },
    ),
  )
  .withPanel(stat('Lag', 'sum(wardline:consumer_lag:sum)', { limit: 1_000 }))
  .withPanel(stat('Dead letters, an hour', 'sum(increase(wardline_dead_letters_total[1h]))', { limit: 100 }))
  .withPanel(
    stat('Instances not ready', 'count(wardline_stage_ready) - sum(wardline_stage_ready)', { limit: 1 }),
  )
  .withPanel(
    stat('Alerts firing', 'count(ALERTS{alertname=~"Wardline.*", alertstate="firing"}) or vector(0)', {
      limit: 1,
    }),
  )
  .withPanel(
    chart('Events by stage', [['sum by (stage) (wardline:events:rate1m)', '{{stage}}']], {
      unit: 'reqps',
      says: 'All four lines lie on each other while nothing waits.',
    }),
  )
  .withPanel(
    chart('Age of events through the chain, p99', [[quantile(0.99, AGE, '', 'stage, le'), '{{stage}}']], {
      unit: 's',
      limit: OBJECTIVE,
      says: 'Where the time goes: from one line to the next.',
    }),
  )
  .withPanel(
    chart(
      'End to end',
      [0.5, 0.95, 0.99].map((q): Query => [quantile(q, AGE, 'stage="enforce"', 'le'), `p${100 * q}`]),
      { unit: 's', limit: OBJECTIVE, exemplars: true },
    ),
  )
  .withPanel(
    chart(
      'Decisions by verdict',
      [['sum by (verdict) (rate(wardline_decisions_total{mode="live"}[$__rate_interval]))', '{{verdict}}']],
      { unit: 'reqps', isStacked: true },
    ),
  )
  .withPanel(chart('Lag by stage', [['wardline:consumer_lag:sum', '{{stage}}']], { limit: 1_000 }))
  .withPanel(
    chart(
      'Duplicates and dead letters',
      [['sum by (stage, outcome) (wardline:events:rate1m{outcome!="forwarded"})', '{{stage}} {{outcome}}']],
      { unit: 'reqps' },
    ),
  )
  .withPanel(chart('Instances ready', [['sum by (stage) (wardline_stage_ready)', '{{stage}}']]))
  .withPanel(
    chart(
      'Processor, by instance',
      [['rate(process_cpu_seconds_total{job="wardline"}[$__rate_interval])', '{{service}} {{instance}}']],
      { unit: 'percentunit', limit: 1, says: 'A stage runs on one core; at one it can do no more.' },
    ),
  )

const OF_CATEGORY = 'stage="enforce", category=~"$category"'
const categoryLatency = dashboard(
  'wardline-latency',
  'Wardline: latency by category',
  'The objective: 99 % of the events of each category are answered within 500 ms.',
)
  .withVariable(
    labelVariable('category', `label_values(${AGE}_count{stage="enforce"}, category)`)
      .multi(true)
      .includeAll(true),
  )
  .withPanel(
    table(
      'Now',
      [
        [`wardline:event_age_seconds:p50_5m{${OF_CATEGORY}}`, 'p50, s'],
        [`wardline:event_age_seconds:p95_5m{${OF_CATEGORY}}`, 'p95, s'],
        [`wardline:event_age_seconds:p99_5m{${OF_CATEGORY}}`, 'p99, s'],
        [`sum by (category) (rate(${AGE}_count{${OF_CATEGORY}}[5m]))`, 'events a second'],
        ['wardline:late_events:ratio_rate1h{category=~"$category"}', 'late, an hour'],
        ['wardline:late_events:ratio_rate3d{category=~"$category"}', 'late, three days'],
      ],
      { says: 'Categories without an event in five minutes have no quantile.' },
    ),
  )
for (const q of [0.5, 0.95, 0.99])
  categoryLatency.withPanel(
    chart(`p${100 * q}`, [[quantile(q, AGE, OF_CATEGORY, 'category, le'), '{{category}}']], {
      unit: 's',
      limit: OBJECTIVE,
      span: 8,
      exemplars: q === 0.99,
    }),
  )
categoryLatency
  .withPanel(
    chart('Late events', [['wardline:late_events:ratio_rate5m{category=~"$category"}', '{{category}}']], {
      unit: 'percentunit',
      limit: ALLOWED_LATE,
      says: 'Share of five minutes answered later than 500 ms.',
    }),
  )
  .withPanel(
    chart(
      'Pace at which the allowance is used up',
      [
        [
          `wardline:late_events:ratio_rate1h{category=~"$category"} / ${ALLOWED_LATE}`,
          '{{category}}, an hour',
        ],
        [
          `wardline:late_events:ratio_rate6h{category=~"$category"} / ${ALLOWED_LATE}`,
          '{{category}}, six hours',
        ],
      ],
      { limit: 6, says: 'At 1 it lasts just as long as it should. Pages: 14.4 over an hour, 6 over six.' },
    ),
  )
  .withPanel(
    heatmap('Ages', `sum by (le) (increase(${AGE}_bucket{${OF_CATEGORY}}[$__rate_interval]))`, {
      says: 'Events by age at the commit of their decision.',
    }),
  )
  .withPanel(
    chart(
      'Age at each stage, p99',
      [[quantile(0.99, AGE, 'category=~"$category|unclassified"', 'stage, le'), '{{stage}}']],
      { unit: 's', limit: OBJECTIVE, says: 'normalize knows no category: its line is of all events.' },
    ),
  )
  .withPanel(
    chart(
      'Events by category',
      [[`sum by (category) (rate(${AGE}_count{${OF_CATEGORY}}[$__rate_interval]))`, '{{category}}']],
      { unit: 'reqps', isStacked: true, span: 24 },
    ),
  )

const OF_STAGE = 'stage="$stage"'
const IS_OF_STAGE = `and on (instance, job) wardline_stage_ready{${OF_STAGE}}`
const oneStage = dashboard(
  'wardline-stage',
  'Wardline: one stage',
  'Work, waiting, state and process of one stage.',
)
  .withVariable(labelVariable('stage', 'label_values(wardline_stage_ready, stage)'))
  .withPanel(stat('Instances ready', `sum(wardline_stage_ready{${OF_STAGE}})`, { span: 4 }))
  .withPanel(stat('Events', `sum(wardline:events:rate1m{${OF_STAGE}})`, { span: 4, unit: 'reqps' }))
  .withPanel(stat('Lag', `wardline:consumer_lag:sum{${OF_STAGE}}`, { span: 4, limit: 1_000 }))
  .withPanel(
    stat('Behind', `wardline:consumer_lag:seconds{${OF_STAGE}}`, {
      span: 4,
      unit: 's',
      says: 'Lag at the pace of the last minute.',
    }),
  )
  .withPanel(
    stat('Busy', `max(sum by (instance) (rate(${WORK}_sum{${OF_STAGE}}[$__rate_interval])))`, {
      span: 4,
      unit: 'percentunit',
      limit: 0.8,
      says: 'Share of its time that the busiest instance works on events.',
    }),
  )
  .withPanel(
    stat('Restore under way', `max(wardline_restoring_seconds{${OF_STAGE}})`, {
      span: 4,
      unit: 's',
      limit: 30,
    }),
  )
  .withRow(row('Flow'))
  .withPanel(
    chart('Events by outcome', [[`sum by (outcome) (wardline:events:rate1m{${OF_STAGE}})`, '{{outcome}}']], {
      unit: 'reqps',
    }),
  )
  .withPanel(
    chart('Lag by partition', [
      [`sum by (partition) (wardline_consumer_lag{${OF_STAGE}})`, 'partition {{partition}}'],
    ]),
  )
  .withPanel(
    chart(
      'Age at its commit',
      [0.5, 0.95, 0.99].map((q): Query => [quantile(q, AGE, OF_STAGE, 'le'), `p${100 * q}`]),
      { unit: 's', exemplars: true },
    ),
  )
  .withPanel(
    chart(
      'Transactions',
      [[`sum by (result) (rate(wardline_transactions_total{${OF_STAGE}}[$__rate_interval]))`, '{{result}}']],
      { unit: 'ops' },
    ),
  )
  .withRow(row('Work'))
  .withPanel(
    chart(
      'Work on an event',
      [0.5, 0.99].map((q): Query => [quantile(q, WORK, OF_STAGE, 'le'), `p${100 * q}`]),
      { unit: 's' },
    ),
  )
  .withPanel(
    chart(
      'Work on an event by category, mean',
      [
        [
          `sum by (category) (rate(${WORK}_sum{${OF_STAGE}}[$__rate_interval])) / sum by (category) (rate(${WORK}_count{${OF_STAGE}}[$__rate_interval]))`,
          '{{category}}',
        ],
      ],
      { unit: 's' },
    ),
  )
  .withPanel(
    chart(
      'Events in a transaction, mean',
      [
        [
          `sum(rate(wardline_events_total{${OF_STAGE}}[$__rate_interval])) / sum(rate(wardline_transactions_total{${OF_STAGE}, result="committed"}[$__rate_interval]))`,
          'events',
        ],
      ],
      { says: 'Grows with the load: what comes meanwhile goes into the next transaction.' },
    ),
  )
  .withPanel(
    chart('Event loop', [[`nodejs_eventloop_lag_p99_seconds ${IS_OF_STAGE}`, '{{instance}} p99']], {
      unit: 's',
    }),
  )
  .withRow(row('State'))
  .withPanel(
    chart('Entries', [[`sum by (store) (wardline_state_entries{${OF_STAGE}})`, '{{store}}']], {
      says: 'Empty for classify, which keeps no state.',
    }),
  )
  .withPanel(
    chart('Dropped because full', [[`sum by (store) (wardline_state_evictions{${OF_STAGE}})`, '{{store}}']], {
      says: 'Empty for classify, which keeps no state.',
    }),
  )
  .withPanel(
    chart(
      'Restore of a partition, mean since the start',
      [
        [
          `wardline_restore_seconds_sum{${OF_STAGE}} / wardline_restore_seconds_count{${OF_STAGE}}`,
          '{{instance}}',
        ],
      ],
      { unit: 's', limit: 30, says: 'Empty for classify, which keeps no state.' },
    ),
  )
  .withPanel(
    chart(
      'Since policy.control was read',
      [[`time() - wardline_control_checked_timestamp_seconds{${OF_STAGE}}`, '{{instance}}']],
      { unit: 's', limit: 300, says: 'Empty for normalize, which takes no control records.' },
    ),
  )
  .withRow(row('Process'))
  .withPanel(
    chart(
      'Processor',
      [[`rate(process_cpu_seconds_total[$__rate_interval]) ${IS_OF_STAGE}`, '{{instance}}']],
      {
        unit: 'percentunit',
        limit: 1,
      },
    ),
  )
  .withPanel(
    chart(
      'Memory',
      [
        [`process_resident_memory_bytes ${IS_OF_STAGE}`, '{{instance}} resident'],
        [`nodejs_heap_size_used_bytes ${IS_OF_STAGE}`, '{{instance}} heap'],
      ],
      { unit: 'bytes' },
    ),
  )

const riskAndEnforcement = dashboard(
  'wardline-enforcement',
  'Wardline: risk and enforcement',
  'What is found, what is done about it, by which rule, and what people think of it.',
)
  .withPanel(
    stat(
      'Answered with an action',
      'sum(rate(wardline_decisions_total{mode="live", verdict!~"ALLOW.*"}[$__rate_interval])) / sum(rate(wardline_decisions_total{mode="live"}[$__rate_interval]))',
      { span: 6, unit: 'percentunit' },
    ),
  )
  .withPanel(
    stat('Breakers open', 'count(max by (scope, name) (wardline_circuit_breaker_open) == 1) or vector(0)', {
      span: 6,
      limit: 1,
    }),
  )
  .withPanel(
    stat('Policy versions in use', 'count(count by (version) (wardline_policy_info))', { span: 6, limit: 2 }),
  )
  .withPanel(
    stat(
      'Control records refused, an hour',
      'sum(increase(wardline_control_records_total{outcome!="taken"}[1h]))',
      { span: 6, limit: 1 },
    ),
  )
  .withPanel(
    chart(
      'Decisions other than ALLOW',
      [
        [
          'sum by (verdict) (rate(wardline_decisions_total{mode="live", verdict!="ALLOW"}[$__rate_interval]))',
          '{{verdict}}',
        ],
      ],
      { unit: 'reqps', isStacked: true },
    ),
  )
  .withPanel(
    chart(
      'Decisions by category, but benign',
      [
        [
          'sum by (category) (rate(wardline_decisions_total{mode="live", category!="benign"}[$__rate_interval]))',
          '{{category}}',
        ],
      ],
      { unit: 'reqps', isStacked: true },
    ),
  )
  .withPanel(
    chart('Pass rate', [['wardline:pass_rate:ratio_rate30m{category!="benign"}', '{{category}}']], {
      unit: 'percentunit',
      says: 'Share of all events whose highest live category it is, at classify, over half an hour.',
    }),
  )
  .withPanel(
    chart(
      'Pass rate against the average of the day',
      [['wardline:pass_rate:ratio_rate30m / wardline:pass_rate:ratio_rate1d', '{{category}}']],
      {
        limit: 3,
        says: 'Beyond 3, or below a third: a model, a lexicon or a threshold gone wrong, or the world.',
      },
    ),
  )
  .withPanel(
    chart(
      'Rules that act most',
      [
        [
          'topk(10, sum by (rule) (rate(wardline_rule_decisions_total{outcome="acted"}[$__rate_interval])))',
          '{{rule}}',
        ],
      ],
      { unit: 'reqps' },
    ),
  )
  .withPanel(
    chart(
      'Shadow rules that fire most',
      [
        [
          'topk(10, sum by (rule) (rate(wardline_rule_decisions_total{outcome="shadow"}[$__rate_interval])))',
          '{{rule}}',
        ],
      ],
      {
        unit: 'reqps',
        says: 'They act on nothing. Those that a human will have to answer for once they are live.',
      },
    ),
  )
  .withPanel(
    table(
      'Rules that people overturn, since the processes started',
      [
        ['sum by (rule) (wardline_rule_decisions_total{outcome="overturned"})', 'overturned'],
        ['sum by (rule) (wardline_rule_decisions_total{outcome="acted"})', 'acted'],
      ],
      { span: 12 },
    ),
  )
  .withPanel(
    chart(
      'Follow-ups and reversals',
      [['sum by (type) (rate(wardline_later_decisions_total[$__rate_interval]))', '{{type}}']],
      { unit: 'ops' },
    ),
  )
  .withPanel(
    chart(
      'Circuit breakers',
      [['max by (scope, name) (wardline_circuit_breaker_open) or vector(0)', '{{scope}} {{name}}']],
      { limit: 1, says: '1 while it holds decisions. One line at 0 without a name: none has ever opened.' },
    ),
  )
  .withPanel(table('Policy by instance', [['wardline_policy_info', 'in use']], { span: 12 }))

const deadLetters = dashboard(
  'wardline-dead-letters',
  'Wardline: dead letters',
  'What could not be answered, why, and what was lost. bin/wardline dlq ls shows the records.',
)
  .withPanel(
    stat('Of what normalize reads, ten minutes', 'wardline:dead_letters:ratio_rate10m{stage="normalize"}', {
      span: 6,
      unit: 'percentunit',
      limit: 0.01,
    }),
  )
  .withPanel(
    stat(
      'Could not be processed, a day',
      'sum(increase(wardline_dead_letters_total{reason="processing_failed"}[1d]))',
      { span: 6, limit: 1, says: 'A defect of ours.' },
    ),
  )
  .withPanel(
    stat('Lost by retention', 'sum(wardline_records_expired_total)', {
      span: 6,
      limit: 1,
      says: 'Since the processes started.',
    }),
  )
  .withPanel(
    stat('Offsets lost by the broker', 'sum(wardline_offsets_lost_total)', {
      span: 6,
      limit: 1,
      says: 'Since the processes started.',
    }),
  )
  .withPanel(
    chart(
      'By reason',
      [
        [
          'sum by (stage, reason) (rate(wardline_dead_letters_total[$__rate_interval])) > 0',
          '{{stage}} {{reason}}',
        ],
      ],
      { unit: 'ops', isStacked: true, span: 24 },
    ),
  )
  .withPanel(
    chart('Of what a stage reads', [['wardline:dead_letters:ratio_rate10m', '{{stage}}']], {
      unit: 'percentunit',
      limit: 0.01,
    }),
  )
  .withPanel(
    table(
      'In the time shown',
      [['sum by (stage, reason) (increase(wardline_dead_letters_total[$__range])) > 0', 'dead letters']],
      { span: 12 },
    ),
  )

/** By the name of the file. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  'feed-overview': feedOverview.build(),
  'category-latency': categoryLatency.build(),
  stage: oneStage.build(),
  'risk-and-enforcement': riskAndEnforcement.build(),
  'dead-letters': deadLetters.build(),
}

const fileOf = (name: string) => new URL(`dashboards/${name}.json`, import.meta.url)
export const textOf = (dashboard: Dashboard): string => `${JSON.stringify(dashboard, null, 2)}\n`
export const writtenText = (name: string): string => readFileSync(fileOf(name), 'utf8')

if (import.meta.main) {
  for (const [name, dashboard] of Object.entries(DASHBOARDS)) writeFileSync(fileOf(name), textOf(dashboard))
  console.log(`${Object.keys(DASHBOARDS).length} dashboards written to deploy/grafana/dashboards`)
}
