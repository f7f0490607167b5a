import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync } from 'node:fs'

/**
 * A file system in memory with an end, for the broker's log. Filling it is the fault: the broker cannot append, says
 * that its only log directory has failed, and ends.
 */
export class SmallDisk {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Null where this process may not mount (not root, or a container without the right). */
  static mount(folder: string, mebibytes: number): SmallDisk | null {
    mkdirSync(folder, { recursive: true })
    const { status, error } = spawnSync(
      'mount',
      ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'wardline-small-disk', folder],
      { stdio: 'ignore' },
    )
    return status === 0 && !error ? new SmallDisk(folder) : null
  }

  /** Takes all the space that is left. */
  fill(): void {
    const { bavail, bsize } = statfsSync(this.#folder)
    spawnSync('fallocate', ['-l', String(bavail * bsize), this.#filler], { stdio: 'ignore' })
    // Whatever a page or two of metadata kept free.
    spawnSync('dd', ['if=/dev/zero', `of=${this.#filler}.rest`, 'bs=4k'], { stdio: 'ignore' })
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(this.#filler, { force: true })
    rmSync(`${this.#filler}.rest`, { force: true })
  }

  unmount(): void {
    spawnSync('umount', [this.#folder], { stdio: 'ignore' })
  }

  get #filler(): string {
    return `${this.#folder}/filler`
  }
}
