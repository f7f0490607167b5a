/** The last so many ids, oldest forgotten first. */
export class RecentIds {
  readonly #most: number
  /** A Set iterates in the order of insertion. */
  readonly #ids = new Set<string>()

  constructor(most: number) {
    this.#most = most
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  add(id: string): void {
    this.#ids.add(id)
    if (this.#ids.size <= this.#most) return
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest)
      break
    }
  }
}
