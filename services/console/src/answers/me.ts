/** Who asks, and what they may do. `GET /api/me`. */
export interface Me {
  /** Null: there is no signing in, since access is `off`. */
  readonly name: string | null;
  readonly role: Role;
  readonly access: Access;
  /** Whether titles, raw objects and rows are shown. */
  readonly content: boolean;
  readonly version: string;
  readonly actions: Readonly<Record<ActionName, ActionState>>;
}

export type Role = 'viewer' | 'operator';

/** `off`: on a loopback address only. `tokens`: by `POST /api/session {token}` or a bearer token. `proxy`: by a proxy's headers. */
export type Access = 'off' | 'tokens' | 'proxy';

/**
 * `signOut`: `DELETE /api/session` ends the session. `check`: "Equal to Notion?"; `pause`: also resume; `admit`: gives a new connection its tenant; `replay`: plan,
 * run, cancel; `replaySwitch`: diff and switch. The role decides, and the rights of the console's process at the servers.
 */
export type ActionName = 'signOut' | 'check' | 'fetch' | 'compare' | 'pause' | 'admit' | 'redrive' | 'drop' | 'replay' | 'replaySwitch';

/** `why`: a sentence for the person, shown at the disabled button. */
export type ActionState = { readonly allowed: true } | { readonly allowed: false; readonly why: string };

/** `POST /api/session` answers `Me` and sets the cookie. */
export interface SignIn {
  readonly token: string;
}
