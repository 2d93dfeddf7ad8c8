/** The environment of the root scripts, and of what they run. */
export const ENVIRONMENT = process.env;

/** For Nx: no daemon, no terminal interface, no questions: the same output everywhere and nothing left running. */
export const NX_ENVIRONMENT = {
  ...ENVIRONMENT,
  NX_DAEMON: 'false',
  NX_TUI: 'false',
  NX_INTERACTIVE: 'false',
  NX_NO_CLOUD: 'true',
};

/** The npm that runs us, if one does: a script that Node can run. */
export const NPM_SCRIPT = ENVIRONMENT.npm_execpath ?? null;
