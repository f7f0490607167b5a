import { inForce, publishedFiles } from '@wardline/control'
import { type DecisionStore, storedPublications } from '@wardline/decision-store'
import type { Category } from '@wardline/events'
import { loadBundle, type PolicyFiles, readPolicyFiles } from '@wardline/policy'

/**
 * What pages need to know of the policy that stages run, as far as the console knows it: the published one, else its own
 * folder's. Compiled once a version: that takes a tenth of a second.
 */
export class PolicyInForce {
  readonly #store: DecisionStore
  readonly #ruleSet: string
  readonly #folder: string
  /** Of the newest record of policy.control that was looked at. */
  #seen = ''
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
    this.#compile()
    return this.#areas.get(category) ?? category
  }

  #compile(): void {
    const row = this.#store.get('SELECT count(*) AS n, max(published_at) AS at FROM control')!
    const seen = `${row.n} ${row.at}`
    if (seen === this.#seen) return
    this.#seen = seen
    const loaded = loadBundle(this.files())
    if (!loaded.ok) return
    const { policy, enforcement } = loaded.bundle
    this.#modes = new Map(policy.rules.map(({ id, mode }) => [id, mode]))
    this.#areas = new Map(
      Object.entries(enforcement.categories).map(([name, { area }]) => [name as Category, area.name]),
    )
  }
}
