/**
 * Draws docs/chain.svg: the chain with its topics. What each stage reads and writes comes from the access rules, so the
 * picture shows what the broker allows. `make diagram`; a test holds the file against this.
 */
import { writeFileSync } from 'node:fs'
import { type AccessRule, readAcls } from '@wardline/access'
import { STAGE_NAMES, type StageName, TOPICS } from '@wardline/stream'

export const DIAGRAM = new URL('chain.svg', import.meta.url)

/** The topics that a stage reads and writes, its dead letters, state and control records left out. */
function topicsOf(rules: readonly AccessRule[], stage: StageName): { reads: string[]; writes: string[] } {
  const side = (operation: AccessRule['operation']) =>
    rules
      .filter((rule) => rule.principal === `User:wardline-${stage}` && rule.resource === 'topic')
      .filter((rule) => rule.operation === operation && !/\.(dlq|state)$|^policy\.control$/.test(rule.name))
      .map(({ name }) => name)
  return { reads: side('read'), writes: side('write') }
}

const WIDTH = 1180
const STAGE = { width: 150, height: 74 }
const TOPIC = { width: 176, height: 34 }
const ROW_Y = [150, 330] as const
const SIDE_Y = 430
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const escapeXml = (text: string) => text.replace(/[&<>]/g, (sign) => ESCAPES[sign]!)

const label = (x: number, y: number, text: string, kind = '') =>
  `<text x="${x}" y="${y}"${kind && ` class="${kind}"`}>${escapeXml(text)}</text>`
const topic = (x: number, y: number, name: string) =>
  `<rect class="topic" x="${x - TOPIC.width / 2}" y="${y - TOPIC.height / 2}" width="${TOPIC.width}" height="${TOPIC.height}" rx="17"/>${label(x, y + 5, name, 'name')}`
const stageBox = (x: number, y: number, name: string, does: string) =>
  `<rect class="stage" x="${x - STAGE.width / 2}" y="${y - STAGE.height / 2}" width="${STAGE.width}" height="${STAGE.height}" rx="6"/>${label(x, y - 8, name, 'title')}${label(x, y + 10, does, 'small')}${label(x, y + 26, '.state  .dlq', 'faint')}`
const arrow = (...points: readonly (readonly [number, number])[]) =>
  `<polyline class="arrow" points="${points.map((point) => point.join(',')).join(' ')}" marker-end="url(#head)"/>`

const DOES: Readonly<Record<StageName, string>> = {
  normalize: 'checks, folds text',
  classify: 'rules and model',
  'comment-risk': 'people over time',
  enforce: 'decides, undoes',
}

/** The picture. Pure. */
export function drawChain(rules: readonly AccessRule[]): string {
  const parts: string[] = []
  const half = { stage: STAGE.width / 2, topic: TOPIC.width / 2 }
  // Two rows of two stages: topic, stage, topic, stage, topic.
  const xs = [110, 320, 530, 740, 950] as const
  /** Where each topic at the side stands. */
  const sides = new Map<string, number>()
  for (const [row, stages] of [STAGE_NAMES.slice(0, 2), STAGE_NAMES.slice(2)].entries()) {
    const y = ROW_Y[row]!
    for (const [i, stage] of stages.entries()) {
      const { reads, writes } = topicsOf(rules, stage)
      const x = xs[i * 2 + 1]!
      const [main, ...tables] = reads
      const [output, ...back] = writes
      parts.push(
        topic(xs[i * 2]!, y, main!),
        stageBox(x, y, stage, DOES[stage]),
        topic(xs[i * 2 + 2]!, y, output!),
      )
      parts.push(arrow([xs[i * 2]! + half.topic, y], [x - half.stage - 4, y]))
      parts.push(arrow([x + half.stage, y], [xs[i * 2 + 2]! - half.topic - 4, y]))
      for (const [t, name] of tables.entries()) {
        const tx = x + (t - (tables.length - 1) / 2) * (TOPIC.width + 16)
        sides.set(name, tx)
        parts.push(topic(tx, SIDE_Y, name))
        parts.push(arrow([tx, SIDE_Y - TOPIC.height / 2], [x + (tx - x) / 6, y + STAGE.height / 2 + 4]))
      }
      // What goes back to an earlier stage stands among its tables.
      for (const name of back)
        parts.push(arrow([x - half.stage, y + 24], [sides.get(name)! + half.topic + 4, SIDE_Y - 4]))
    }
  }
  // From the end of the first row to the beginning of the second: one topic, drawn twice, is joined by a line.
  const turn = (ROW_Y[0] + ROW_Y[1]) / 2
  parts.push(
    `<polyline class="same" points="${xs[4]},${ROW_Y[0] + 17} ${xs[4]},${turn} ${xs[0]},${turn} ${xs[0]},${ROW_Y[1] - 17}"/>`,
  )
  parts.push(topic((xs[1] + xs[3]) / 2, 48, TOPICS.control))
  for (const x of [xs[1], xs[3]])
    parts.push(
      arrow(
        [(xs[1] + xs[3]) / 2 + (x === xs[1] ? -half.topic : half.topic), 48],
        [x, 48],
        [x, ROW_Y[0] - STAGE.height / 2 - 4],
      ),
    )
  parts.push(label((xs[1] + xs[3]) / 2, 82, 'rules and section orders, to every stage', 'small'))
  parts.push(label(xs[0], ROW_Y[0] - 58, 'feed producers', 'who'))
  parts.push(arrow([xs[0], ROW_Y[0] - 50], [xs[0], ROW_Y[0] - 21]))
  parts.push(label(xs[4], ROW_Y[1] + 66, 'enforcement systems', 'who'))
  parts.push(arrow([xs[4], ROW_Y[1] + 17], [xs[4], ROW_Y[1] + 48]))
  parts.push(label(xs[1], SIDE_Y + 40, 'who is a minor, what humans took back', 'small'))
  parts.push(label(xs[3], SIDE_Y + 40, 'what users report and humans decide', 'small'))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH - 110} 490" role="img" aria-label="Topics and stages of Wardline">
<style>
svg { background: #fff }
text { font: 14px system-ui, sans-serif; fill: #222; text-anchor: middle }
.name { font: 13px ui-monospace, monospace }
.title { font-weight: 600; font-size: 16px }
.small { font-size: 12px; fill: #444 }
.faint { font: 11px ui-monospace, monospace; fill: #777 }
.who { font-style: italic }
.stage { fill: #e8f0fb; stroke: #2f5d9b; stroke-width: 1.5 }
.topic { fill: #fdf6e3; stroke: #9a7b2f }
.arrow { fill: none; stroke: #333; stroke-width: 1.4 }
.same { fill: none; stroke: #9a7b2f; stroke-width: 1.4; stroke-dasharray: 5 4 }
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#333"/></marker></defs>
${parts.join('\n')}
</svg>
`
}

if (import.meta.main) writeFileSync(DIAGRAM, drawChain(readAcls()))
