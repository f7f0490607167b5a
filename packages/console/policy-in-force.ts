import { inForce, publishedFiles } from '@wardline/control'
import { type DecisionStore, storedPublications } from '@wardline/decision-store'
import type { Category } from '@wardline/events'
import { loadBundle, type PolicyFiles, policyVersion, readPolicyFiles } from '@wardline/policy'

/**
 * What pages need to know of the policy that stages run, as far as the console knows it: the published one, else its own
 * folder's. Compiled once a version: that takes a tenth of a second.
 */
export class PolicyInForce {
  readonly #store: DecisionStore
  readonly #ruleSet: string
  readonly #folder: string
  #version = ''
  #modes: ReadonlyMap<string, string> = new Map()
  #areas: ReadonlyMap<Category, string> = new Map()

  constructor(store: DecisionStore, options: { readonly ruleSet: string; readonly policyFolder: string }) {
    this.#store = store
    this.#ruleSet = options.ruleSet
    this.#folder = options.policyFolder
    this.#compile()
  }

  files(): PolicyFiles {
    const records = storedPublications(this.#store)
    return inForce(records, this.#ruleSet)
      ? publishedFiles(records, this.#ruleSet)
      : readPolicyFiles(this.#folder)
  }

  /** Modes of the rules, by id. */
  modes(): ReadonlyMap<string, string> {
    this.#compile()
    return this.#modes
  }

  /** Name of the area that a category's strikes count in. */
  areaOf(category: Category): string {
    return this.#areas.get(category) ?? category
  }

  #compile(): void {
    const files = this.files()
    const version = policyVersion(files)
    if (version === this.#version) return
    const loaded = loadBundle(files)
    this.#version = version
    if (!loaded.ok) return
    const { policy, enforcement } = loaded.bundle
    this.#modes = new Map(policy.rules.map(({ id, mode }) => [id, mode]))
    this.#areas = new Map(
      Object.entries(enforcement.categories).map(([name, { area }]) => [name as Category, area.name]),
    )
  }
}
