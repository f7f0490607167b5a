import { STAGE_NAMES, TOPIC_SPECS, TOPICS } from '@wardline/stream'
import { describe, expect, it } from 'vitest'
import { InvalidAcls, parseAcls, readAcls } from './acls.ts'

const rules = readAcls()
const may = (principal: string, operation: string) =>
  rules
    .filter(
      (rule) =>
        rule.principal === `User:${principal}` && rule.operation === operation && rule.resource === 'topic',
    )
    .map((rule) => rule.name)
    .sort()

describe('the access rules', () => {
  it.each(STAGE_NAMES)('let %s write its own topics and nothing else', (stage) => {
    const outputs = {
      normalize: [TOPICS.normalized],
      classify: [TOPICS.classified],
      'comment-risk': [TOPICS.assessed],
      enforce: [TOPICS.decisions, TOPICS.reversals],
    }[stage]
    expect(may(`wardline-${stage}`, 'write')).toEqual([...outputs, `${stage}.dlq`, `${stage}.state`].sort())
  })

  it('let nobody but enforce write decisions', () => {
    const writers = rules.filter(
      (rule) => rule.operation !== 'read' && rule.resource === 'topic' && covers(rule, TOPICS.decisions),
    )
    expect(writers.map((rule) => rule.principal)).toEqual(['User:wardline-enforce'])
  })

  it('let nobody write a state topic but the stage whose it is', () => {
    for (const stage of STAGE_NAMES) {
      const writers = rules.filter(
        (rule) => rule.operation !== 'read' && rule.resource === 'topic' && covers(rule, `${stage}.state`),
      )
      expect(writers.map((rule) => rule.principal)).toEqual([`User:wardline-${stage}`])
    }
  })

  it("let no stage take another one's transactional ids or group", () => {
    for (const stage of STAGE_NAMES) {
      const owners = rules.filter(
        (rule) => rule.resource === 'transactionalId' && covers(rule, `${stage}.of-a-process`),
      )
      expect(owners.map((rule) => rule.principal)).toEqual([`User:wardline-${stage}`])
      const members = rules.filter((rule) => rule.resource === 'group' && covers(rule, `wardline.${stage}`))
      expect(members.map((rule) => rule.principal)).toEqual([`User:wardline-${stage}`])
    }
  })

  it('name only topics that exist', () => {
    const topics = new Set(TOPIC_SPECS.map(({ topic }) => topic))
    const unknown = rules.filter(
      ({ resource, name, principal }) =>
        resource === 'topic' && name !== '*' && !principal.startsWith('User:CN=') && !topics.has(name),
    )
    expect(unknown).toEqual([])
  })
})

const covers = (rule: { name: string; prefix: boolean }, name: string) =>
  rule.name === '*' || (rule.prefix ? name.startsWith(rule.name) : name === rule.name)

describe('a file of access rules', () => {
  it('has prefixes where a name ends in an asterisk', () => {
    expect(parseAcls('principals: {a: {group: [x*], read: ["*"]}}')).toEqual([
      { principal: 'User:a', resource: 'topic', operation: 'read', prefix: false, name: '*' },
      { principal: 'User:a', resource: 'group', operation: 'read', prefix: true, name: 'x' },
    ])
  })

  it.each(['principals: {a: {reed: [x]}}', 'principals: [', '{}', 'principals: {a: {read: x}}'])(
    'that is wrong is refused: %s',
    (text) => {
      expect(() => parseAcls(text)).toThrow(InvalidAcls)
    },
  )
})
