import type { PolicyControl } from '@wardline/events'
import {
  openControlRecord,
  type PolicyBundle,
  type PolicyRefusal,
  PolicyRefused,
  ruleSetOf,
} from './bundle.ts'

/** Where a stage tells which policy it runs. */
export interface PolicyReport {
  setPolicyVersion(version: string): void
  policyRefused(reason: PolicyRefusal): void
}

/**
 * The policy that a stage runs: the one of its folder until a version is published under its rule set's name, and again
 * once that is withdrawn. What cannot be used changes nothing.
 */
export class PolicyInUse<Compiled> {
  readonly shipped: Compiled
  readonly #shippedVersion: string
  readonly #ruleSet: string
  readonly #compile: (bundle: PolicyBundle) => Compiled
  #version: string
  #report: PolicyReport | undefined

  constructor(options: {
    /** Name of the rule set in policy.control. */
    readonly ruleSet: string
    readonly shipped: PolicyBundle
    readonly compile: (bundle: PolicyBundle) => Compiled
  }) {
    this.#ruleSet = options.ruleSet
    this.#compile = options.compile
    this.#shippedVersion = options.shipped.version
    this.#version = options.shipped.version
    this.shipped = options.compile(options.shipped)
  }

  get version(): string {
    return this.#version
  }

  /** From now on tells `report`, the present version first. */
  reportTo(report: PolicyReport): void {
    this.#report = report
    report.setPolicyVersion(this.#version)
  }

  /**
   * What a record of policy.control makes the stage run; undefined where the record is about something else. Throws
   * PolicyRefused where it cannot be used.
   */
  take(record: PolicyControl | null, key: string): Compiled | undefined {
    if (ruleSetOf(key) !== this.#ruleSet) return undefined
    try {
      const bundle = record === null ? null : openControlRecord(record)
      const compiled = bundle === null ? this.shipped : this.#compiled(bundle)
      this.#version = bundle?.version ?? this.#shippedVersion
      this.#report?.setPolicyVersion(this.#version)
      return compiled
    } catch (error) {
      if (error instanceof PolicyRefused) this.#report?.policyRefused(error.reason)
      throw error
    }
  }

  #compiled(bundle: PolicyBundle): Compiled {
    try {
      return this.#compile(bundle)
    } catch (error) {
      throw new PolicyRefused(
        'invalid',
        `cannot be compiled: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
}
