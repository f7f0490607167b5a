import { may, type Permission, type User } from '../access.ts'
import type { Translator } from '../texts.ts'

/** What every page is made with. */
export interface View {
  readonly t: Translator
  readonly user: User
  /** Goes into each form that changes something. */
  readonly csrf: string
  /** The address of this page, for the language switch. */
  readonly path: string
  readonly now: number
  readonly timeZone: string
  readonly health: { readonly ready: boolean; readonly reason: string }
  readonly waiting: number
  /** A line on what was just done. */
  readonly notice: string | null
}

export const mayIn = (view: View, permission: Permission): boolean => may(view.user, permission)
