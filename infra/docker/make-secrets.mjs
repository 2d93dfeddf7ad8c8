/**
 * A program, `make-secrets.mjs FOLDER NAME...`: the password of each NATS user in `FOLDER/<name>/password`, random, made once.
 * Compose mounts a volume for each name, so that a service sees its own only.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...names] = process.argv.slice(2);
for (const name of names) {
  const file = join(folder, name, 'password');
  if (hasPassword(file)) continue;
  // Letters alone at its head: nats-server reads it as a piece of its configuration.
  writeFileSync(`${file}.new`, `pw${randomBytes(24).toString('hex')}`, { mode: 0o400 });
  renameSync(`${file}.new`, file);
  process.stdout.write(`make-secrets: ${file}\n`);
}

/** An empty one would let everybody in. */
function hasPassword(file) {
  try {
    return readFileSync(file, 'utf8').trim() !== '';
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}
