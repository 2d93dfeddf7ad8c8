/** The process's environment, to be read through a schema. */
export const environment: Readonly<Record<string, string | undefined>> = process.env;
