import { readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** What the scripts here read of the environment, and what they hand on to Docker and Compose. */
export const ENVIRONMENT = process.env;
/** Tag of the images. */
export const VERSION = process.env.SLICEWAY_VERSION || version;
/** `BASE_IMAGE` and `BUILD_IMAGE` of the Dockerfile; its own defaults where they are not set. */
export const BASE_IMAGE = process.env.BASE_IMAGE || null;
export const BUILD_IMAGE = process.env.BUILD_IMAGE || null;
/** A command that brings a tar of an image into a cluster; the tar's path is added to it. */
export const IMAGE_LOAD = process.env.IMAGE_LOAD || null;
