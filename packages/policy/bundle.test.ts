import { hash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { PolicyControl } from '@wardline/events'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { controlRecord, filesOf, openControlRecord, PolicyRefused, ruleSetKey } from './bundle.ts'
import { createClassifier } from './classifier.ts'
import { exampleEvent } from './example-event.ts'
import { policyFolder } from './folder.ts'
import { type PolicyFiles, policyVersion, readPolicyFiles } from './policy-files.ts'
import { PolicyInUse } from './policy-in-use.ts'

const SHIPPED = readPolicyFiles(policyFolder({}))
const ISSUED = { name: 'default', issuedBy: 'test', issuedAt: 1_000 }
const changed = (file: string, change: (text: string) => string): PolicyFiles =>
  new Map(SHIPPED).set(file, change(SHIPPED.get(file)!))
const STRICT = changed('thresholds.yaml', (text) => text.replace('default: 0.5', 'default: 0.99'))
/** A record whose payload is this content, with the hash that fits. */
const recordOf = (content: unknown, change: Partial<PolicyControl> = {}): PolicyControl => {
  const payload = gzipSync(typeof content === 'string' ? content : JSON.stringify(content))
  return { ...controlRecord(SHIPPED, ISSUED), payload, sha256: hash('sha256', payload, 'hex'), ...change }
}
const refusalOf = (record: PolicyControl): string | null => {
  try {
    openControlRecord(record)
    return null
  } catch (error) {
    if (error instanceof PolicyRefused) return error.reason
    throw error
  }
}

describe('a published policy', () => {
  it('is what was published, under a version that its files make', () => {
    const record = controlRecord(STRICT, ISSUED)
    expect(filesOf(record)).toEqual(STRICT)
    const bundle = openControlRecord(record)
    expect(bundle.version).toBe(policyVersion(STRICT))
    expect(bundle.version).not.toBe(policyVersion(SHIPPED))
    expect([bundle.policy.version, bundle.enforcement.version]).toEqual([bundle.version, bundle.version])
    expect(bundle.policy.thresholds.default).toBe(0.99)
    expect(controlRecord(STRICT, ISSUED).sha256).toBe(record.sha256)
  })

  it('fits into a message many times over', () => {
    expect(controlRecord(SHIPPED, ISSUED).payload!.length).toBeLessThan(4 * 1_048_576)
  })

  it.each<[string, string, PolicyControl]>([
    ['hash', 'another payload', { ...controlRecord(SHIPPED, ISSUED), payload: gzipSync('{}') }],
    ['hash', 'a version that its files do not make', { ...controlRecord(SHIPPED, ISSUED), version: 'other' }],
    ['hash', 'no hash', { ...controlRecord(SHIPPED, ISSUED), sha256: null }],
    ['payload', 'no payload', { ...controlRecord(SHIPPED, ISSUED), payload: null }],
    ['payload', 'an order on a section', { ...controlRecord(SHIPPED, ISSUED), kind: 'SECTION_ORDER' }],
    [
      'payload',
      'no gzip',
      { ...recordOf(''), payload: Buffer.from('x'), sha256: hash('sha256', 'x', 'hex') },
    ],
    ['payload', 'no JSON', recordOf('{')],
    ['payload', 'JSON of another shape', recordOf('null')],
    ['payload', 'a file outside of the policy', recordOf({ format: 1, files: { '../secrets.yaml': '' } })],
    ['payload', 'gzip without end', recordOf(' '.repeat(70_000_000))],
    ['format', 'a newer format', recordOf({ format: 2, files: {} })],
    ['dates', 'a date to come', { ...controlRecord(SHIPPED, ISSUED), effectiveFrom: 2_000 }],
    ['invalid', 'no files', recordOf({ format: 1, files: {} }, { version: policyVersion(new Map()) })],
    [
      'invalid',
      'a rule that this build does not know',
      controlRecord(
        changed('rules/gambling.yaml', (text) => text.replace('mode: live', 'mode: sometimes')),
        ISSUED,
      ),
    ],
    [
      'invalid',
      'no ladder',
      controlRecord(
        changed('enforcement.yaml', () => 'areas: {}\n'),
        ISSUED,
      ),
    ],
    [
      'invalid',
      'an alias of nothing',
      controlRecord(
        changed('statements.yaml', () => 'laws: *x\n'),
        ISSUED,
      ),
    ],
  ])('is refused (%s): %s', (reason, _, record) => {
    expect(refusalOf(record)).toBe(reason)
  })
})

it('refuses whatever else a payload holds, and throws nothing else', () => {
  const content = Buffer.from(JSON.stringify({ format: 1, files: Object.fromEntries(SHIPPED) }))
  fc.assert(
    fc.property(fc.nat(content.length - 1), fc.nat(255), fc.boolean(), (at, byte, versionFits) => {
      const bytes = Buffer.from(content)
      bytes[at] = byte
      const payload = gzipSync(bytes)
      let version = 'other'
      if (versionFits) {
        try {
          version = policyVersion(new Map(Object.entries(JSON.parse(bytes.toString()).files)))
        } catch {
          // No JSON any more, or no text.
        }
      }
      const record = {
        ...controlRecord(SHIPPED, ISSUED),
        payload,
        version,
        sha256: hash('sha256', payload, 'hex'),
      }
      const refusal = refusalOf(record)
      expect([null, 'payload', 'hash', 'format', 'invalid']).toContain(refusal)
    }),
    { numRuns: 40 },
  )
})

describe('the policy in use', () => {
  const create = () => {
    const told: string[] = []
    const policy = new PolicyInUse({
      ruleSet: 'default',
      shipped: openControlRecord(controlRecord(SHIPPED, ISSUED)),
      compile: (bundle) => createClassifier(bundle.policy),
    })
    policy.reportTo({
      setPolicyVersion: (version) => void told.push(version),
      policyRefused: (reason) => void told.push(`refused: ${reason}`),
    })
    return { policy, told }
  }
  const event = exampleEvent('时时彩计划群，稳赚不赔', 0)

  it('is the folder’s, then what is published, then the folder’s again', () => {
    const { policy, told } = create()
    expect(policy.shipped.classify(event).category).toBe('gambling')
    const strict = policy.take(controlRecord(STRICT, ISSUED), ruleSetKey('default'))!
    expect(strict.classify(event).category).toBe('benign')
    expect(strict.policyVersion).toBe(policyVersion(STRICT))
    expect(policy.take(null, ruleSetKey('default'))).toBe(policy.shipped)
    expect(told).toEqual([policyVersion(SHIPPED), policyVersion(STRICT), policyVersion(SHIPPED)])
  })

  it('takes no notice of other rule sets and of sections', () => {
    const { policy, told } = create()
    expect(policy.take(controlRecord(STRICT, ISSUED), ruleSetKey('trial'))).toBeUndefined()
    expect(policy.take(null, 'section/youth')).toBeUndefined()
    expect(told).toHaveLength(1)
  })

  it('stays where the next cannot be used, and says so', () => {
    const { policy, told } = create()
    policy.take(controlRecord(STRICT, ISSUED), ruleSetKey('default'))
    const corrupt = { ...controlRecord(SHIPPED, ISSUED), payload: Buffer.from('corrupt') }
    expect(() => policy.take(corrupt, ruleSetKey('default'))).toThrow(PolicyRefused)
    expect(policy.version).toBe(policyVersion(STRICT))
    expect(told.at(-1)).toBe('refused: hash')
  })
})
